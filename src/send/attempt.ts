/**
 * One HTTP request to a receiver, and its result. A failure of the receiver is a result; a failure of the gateway is an
 * exception.
 */
import { readAnswerBody } from "./answer-body";
import { direct } from "./egress/direct";
import type { Answer, NoAnswer, PreparedRequest, Transport } from "./egress/transport";
import type { answerReaderOf } from "./answers/read-answer";
import { classifyResponse, type ErrorClass } from "./error-class";
import { parseRetryAfter } from "./retry-after";
import { TimeLimit } from "./time-limit";

/** The most bytes of a response body that are kept. The rest is cancelled unread. */
export const responseBodyBytesMax = 2048;
/** The most characters of a response's headers that are kept. */
const responseHeadersCharactersMax = 4096;

/** A request to send. `read`: interprets the response of a known service. */
type AttemptRequest = PreparedRequest & { read?: ReadAnswer | null };

type ReadAnswer = NonNullable<ReturnType<typeof answerReaderOf>>;

/**
 * The result of an attempt; times in ms. `error` is null for every 2xx, even if its body could not be read, unless a
 * known service reports a failure in the body.
 */
export type AttemptResult = {
  startedAt: number;
  durationMs: number;
  /** The name of the egress; null when the request was sent directly. */
  egress: string | null;
  /** Null when there was no response. */
  status: number | null;
  error: ErrorClass | null;
  /** Shortened for the log: decisions must not depend on it. */
  responseHeaders: Record<string, string>;
  /** Shortened for the log. A first line in brackets says why the body, or the rest of it, could not be read. */
  responseBody: string;
  /** How long the `Retry-After` of a failed response asks to wait, in ms, at most a day; null when there is none. */
  retryAfterMs: number | null;
  /** Why a known service will never accept this message (`refused`), or any message of this webhook (`gone`). */
  refusal?: { kind: "refused" | "gone"; reason: string };
};

/**
 * Sends a request once. Redirects are not followed. The timeout covers connecting, waiting and reading. The status
 * alone decides the result once it has arrived: a body that does not end in time is cut.
 * @throws {GatewayFailure} when the gateway could not make the attempt.
 */
export async function attempt(
  request: AttemptRequest,
  transport: Transport = direct,
): Promise<AttemptResult> {
  const startedAt = Date.now();
  const { egress } = transport;
  const limit = new TimeLimit(request.timeoutMs + transport.graceMs);
  try {
    const sent = await transport.send(request, limit);
    const outcome =
      sent.kind === "answered" ? await outcomeOf(sent, request.read ?? null) : withoutAnswer(sent);
    return { startedAt, durationMs: Date.now() - startedAt, egress, ...outcome };
  } finally {
    limit.end();
  }
}

type Outcome = Omit<AttemptResult, "startedAt" | "durationMs" | "egress">;

async function outcomeOf(answer: Answer, read: ReadAnswer | null): Promise<Outcome> {
  const { status, headers, readSignal } = answer;
  const retryAfterMs = parseRetryAfter(headers.get("Retry-After"), Date.now());
  const { text, note } = await readAnswerBody(answer, responseBodyBytesMax, readSignal);
  const meaning = read?.({ status, headers, body: text }) ?? null;
  const error = classifyResponse(status, text) ?? (meaning === null ? null : "service_error");
  const asked = meaning?.kind === "failed" ? (meaning.retryAfterMs ?? retryAfterMs) : retryAfterMs;
  return {
    status,
    error,
    responseHeaders: boundedHeaders(headers),
    // The note comes first, so that masking finds a secret that is cut at the end of the text.
    responseBody: note === null ? text : `[${note}]\n${text}`.trimEnd(),
    retryAfterMs: error === null ? null : asked,
    ...(meaning !== null && meaning.kind !== "failed" && { refusal: meaning }),
  };
}

function withoutAnswer({ error, note }: NoAnswer): Outcome {
  const responseBody = note === "" ? "" : `[${note}]`;
  return { status: null, error, responseHeaders: {}, responseBody, retryAfterMs: null };
}

function boundedHeaders(headers: Headers): Record<string, string> {
  const kept: Record<string, string> = {};
  let left = responseHeadersCharactersMax;
  // `for…of` would call the runtime for each header.
  headers.forEach((value, name) => {
    left -= name.length + value.length;
    if (left >= 0) kept[name] = value;
  });
  return kept;
}
