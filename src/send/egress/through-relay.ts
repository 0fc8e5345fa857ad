/** Sends requests through a relay (`protocol.ts`). */
import { GatewayFailure } from "../gateway-failure";
import type { TimeLimit } from "../time-limit";
import {
  admission,
  admissionHeader,
  decodeFrame,
  encodeFrame,
  framesType,
  FrameReader,
  importRelayKeys,
  newNonce,
  type RelayAnswer,
  relayAnswerSchema,
  type RelayKeys,
  type RelayRequest,
} from "./protocol";
import type { Answer, NoAnswer, PreparedRequest, Transport } from "./transport";

/** The time for the way to the relay and back. The relay itself measures the receiver's time. */
const graceMs = 3000;

/**
 * Sends a frame to a relay; the response consists of the relay's frames. It is a `fetch` to the relay's URL, or a call
 * of the hub of relays that connect to the gateway.
 */
export type AskRelay = (
  frame: Uint8Array<ArrayBuffer>,
  init: { headers: Record<string, string>; signal: AbortSignal },
) => Promise<Response>;

/**
 * @param name of the egress. @param options.secret shared with the relay. @param options.answerBytesMax the most bytes
 *   of a response's body that the relay reads. @returns the transport.
 */
export function throughRelay(
  name: string,
  { secret, ask, answerBytesMax }: { secret: string; ask: AskRelay; answerBytesMax: number },
): Transport {
  let imported: Promise<RelayKeys> | undefined;
  return {
    egress: name,
    graceMs,
    async send(request, limit) {
      imported ??= importRelayKeys(secret);
      const exchange = new Exchange(name, await imported, limit);
      return exchange.run(request, ask, answerBytesMax);
    },
  };
}

/** One request to a relay, and its answers. */
class Exchange {
  readonly #name: string;
  readonly #keys: RelayKeys;
  readonly #limit: TimeLimit;
  readonly #nonce = newNonce();
  readonly #late = new AbortController();

  constructor(name: string, keys: RelayKeys, limit: TimeLimit) {
    this.#name = name;
    this.#keys = keys;
    this.#limit = limit;
  }

  async run(request: PreparedRequest, ask: AskRelay, answerBytesMax: number): Promise<Answer | NoAnswer> {
    const now = Date.now();
    const head: RelayRequest = {
      kind: "request",
      nonce: this.#nonce,
      sentAt: now,
      method: "POST",
      url: request.url,
      headers: Object.entries(request.headers),
      timeoutMs: request.timeoutMs,
      verify: request.verify,
      answerBytesMax,
    };
    const frame = await encodeFrame(this.#keys, "request", head, request.body);
    const headers = { [admissionHeader]: await admission(this.#keys, frame.length, now) };
    const response = await this.#relay(() => ask(frame, { headers, signal: this.#limit.signal }));
    // Another content type comes from something that is not the relay, such as a proxy or a sign-in page.
    const isSigned = response.headers.get("Content-Type") === framesType;
    if (response.body === null || !isSigned) {
      await response.body?.cancel();
      throw this.#failure(`what answers there says ${response.status}, and is not a relay with this secret`);
    }
    const reader = new FrameReader(response.body);
    const first = await this.#relay(() => this.#next(reader));
    if (first === null) throw this.#failure("its answer ended early, or is not signed with the secret");
    const { answer } = first;
    if (answer.kind === "answer") return this.#answered(answer, reader);
    // Nothing follows.
    await reader.cancel();
    if (answer.kind === "receiverFailed") {
      return { kind: "failed", error: answer.error, note: `The relay says: ${answer.reason}.` };
    }
    throw this.#failure(answer.kind === "relayFailed" ? answer.reason : "it answered out of order");
  }

  /** After the status has arrived, nothing counts as a failure of the relay: the receiver's status decides. */
  #answered({ status, headers }: RelayAnswer & { kind: "answer" }, reader: FrameReader): Answer {
    const kept = new Headers();
    for (const [name, value] of headers) kept.append(name, value);
    let isRead = false;
    const body = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          if (isRead) return controller.error(new Error("The body broke off."));
          isRead = true;
          const last = await this.#next(reader).catch(() => null);
          const end = last?.answer.kind === "end" ? last.answer.end : "broken";
          if (end === "late" || this.#limit.signal.aborted) this.#late.abort();
          if (last !== null && last.body.length > 0) controller.enqueue(last.body);
          const isComplete = end === "whole" || end === "cut";
          if (isComplete) controller.close();
          else if (last === null || last.body.length === 0)
            controller.error(new Error("The body broke off."));
          // Otherwise the next pull reports the error: an error now would discard the chunk that was just enqueued.
        },
        cancel: () => reader.cancel(),
      },
      { highWaterMark: 0 },
    );
    return { kind: "answered", status, headers: kept, body, readSignal: this.#late.signal };
  }

  /**
   * @returns the next answer and its body; null when there is none, or it is not signed or belongs to another request.
   */
  async #next(reader: FrameReader): Promise<{ answer: RelayAnswer; body: Uint8Array } | null> {
    const frame = await reader.next();
    const decoded = frame && (await decodeFrame(this.#keys, "answer", frame));
    const parsed = relayAnswerSchema.safeParse(decoded?.head);
    if (!decoded || !parsed.success || parsed.data.nonce !== this.#nonce) return null;
    return { answer: parsed.data, body: decoded.body };
  }

  /**
   * Turns a failed call into a failure of the egress: the relay, or the connection to it, has failed, and not the
   * receiver.
   */
  async #relay<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof GatewayFailure) throw error;
      throw this.#limit.signal.aborted
        ? this.#failure("it did not answer in time")
        : this.#failure("the connection to it failed", error);
    }
  }

  #failure(reason: string, cause?: unknown): GatewayFailure {
    return new GatewayFailure("egress", `The egress ${this.#name} failed: ${reason}.`, { cause });
  }
}
