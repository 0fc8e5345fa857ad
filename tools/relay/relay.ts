/** Handles frames that come over HTTP or over a connection that the relay made. */
import {
  encodeFrame,
  type RelayAnswer,
  type RelayKeys,
  type RelayRequest,
} from "../../src/send/egress/protocol.ts";
import { Admission } from "./admission.ts";
import { forward, type ForwardSetup } from "./forward.ts";
import { log } from "./log.ts";
import { Metrics } from "./metrics.ts";

/** Sends a signed frame back. `answer`: its content, for callers that need a status. */
export type Reply = (frame: Uint8Array<ArrayBuffer>, answer: RelayAnswer) => void;

/** The result for a frame. `unsigned` and `malformed` ones are not answered. */
export type Handled = "unsigned" | "malformed" | "answered";

/** Bodies that are being forwarded, together. A frame has up to 2 MiB, and a relay may have many at a time. */
export const bodyBytesMax = 64 * 1024 * 1024;

/** The parts of a relay. `bodyBytesMax`: less than usual, for tests. */
export type RelaySetup = ForwardSetup & {
  keys: readonly RelayKeys[];
  concurrency: number;
  bodyBytesMax?: number;
};

export class Relay {
  readonly metrics = new Metrics();
  readonly admission: Admission;
  readonly #setup: RelaySetup;
  #underWay = 0;
  #bodyBytes = 0;
  #idle = Promise.withResolvers<void>();

  constructor(setup: RelaySetup) {
    this.#setup = setup;
    this.admission = new Admission(setup.keys);
  }

  /** How many requests are being forwarded. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Handles one frame and answers with `reply`: twice when the receiver responded, else once. Never rejects. */
  async handle(frame: Uint8Array<ArrayBuffer>, reply: Reply): Promise<Handled> {
    const admitted = await this.admission.admit(frame);
    switch (admitted.kind) {
      case "unsigned":
      case "malformed":
        this.refused(admitted.kind);
        return admitted.kind;
      case "refused": {
        const { keys, nonce, reason } = admitted;
        this.refused(reason);
        await answer(keys, { kind: "relayFailed", nonce, code: "refused", reason }, reply);
        return "answered";
      }
      case "admitted":
        await this.#limited(admitted.request, admitted.body, { keys: admitted.keys, reply });
        return "answered";
    }
  }

  /** Counts and logs what is not forwarded. @param reason without anything of the request. */
  refused(reason: string): void {
    this.metrics.count("refused");
    log("warn", "refused", { reason });
  }

  /** Resolves when nothing is being forwarded. */
  async idle(): Promise<void> {
    if (this.#underWay > 0) await this.#idle.promise;
  }

  async #limited(
    request: RelayRequest,
    body: Uint8Array,
    back: { keys: RelayKeys; reply: Reply },
  ): Promise<void> {
    const limit = this.#exceeded(body.length);
    if (limit !== null) {
      this.refused(limit);
      const reason = "the relay is busy";
      await answer(
        back.keys,
        { kind: "relayFailed", nonce: request.nonce, code: "busy", reason },
        back.reply,
      );
      return;
    }
    this.#underWay += 1;
    this.#bodyBytes += body.length;
    this.metrics.underWay = this.#underWay;
    try {
      await this.#forward(request, body, back);
    } finally {
      this.#underWay -= 1;
      this.#bodyBytes -= body.length;
      this.metrics.underWay = this.#underWay;
      if (this.#underWay === 0) {
        this.#idle.resolve();
        this.#idle = Promise.withResolvers();
      }
    }
  }

  /** @returns the limit that a body of so many bytes would exceed, or null. */
  #exceeded(bytes: number): string | null {
    const { concurrency, bodyBytesMax: bytesMax = bodyBytesMax } = this.#setup;
    if (this.#underWay >= concurrency) return "too many requests at once";
    return this.#bodyBytes + bytes > bytesMax ? "too many bytes at once" : null;
  }

  async #forward(
    request: RelayRequest,
    body: Uint8Array,
    { keys, reply }: { keys: RelayKeys; reply: Reply },
  ): Promise<void> {
    const { nonce } = request;
    const startedAt = performance.now();
    const forwarded = await forward(request, body, this.#setup);
    const ended = (result: Record<string, unknown>) => {
      const durationMs = Math.round(performance.now() - startedAt);
      this.metrics.observe(durationMs / 1000);
      const { origin } = new URL(request.url);
      // Only the URL's origin is logged, because the rest is often a secret.
      log("info", "request", { nonce, method: request.method, origin, ...result, duration_ms: durationMs });
    };
    switch (forwarded.kind) {
      case "answered": {
        const { status, headers } = forwarded;
        this.metrics.count("answered");
        await answer(keys, { kind: "answer", nonce, status, headers }, reply);
        const { bytes, end } = await forwarded.body;
        await answer(keys, { kind: "end", nonce, end }, reply, bytes);
        return ended({ status, end });
      }
      case "failed": {
        const { error, reason } = forwarded;
        this.metrics.count("failed");
        await answer(keys, { kind: "receiverFailed", nonce, error, reason }, reply);
        return ended({ error, reason });
      }
      case "relayFailed": {
        const { code, reason } = forwarded;
        this.metrics.count(code === "late" ? "late" : "refused");
        await answer(keys, { kind: "relayFailed", nonce, code, reason }, reply);
        return ended({ error: code, reason });
      }
    }
  }
}

async function answer(keys: RelayKeys, said: RelayAnswer, reply: Reply, body?: Uint8Array): Promise<void> {
  reply(await encodeFrame(keys, "answer", said, body), said);
}
