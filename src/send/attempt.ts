/** One HTTP request to a receiver, and its result. A receiver's failure is data here; an exception is a failure of ours. */
import { readAnswerBody } from "./answer-body";
import { direct } from "./egress/direct";
import type { Answer, NoAnswer, PreparedRequest, Transport } from "./egress/transport";
import type { answerReaderOf } from "./answers/read-answer";
import { classifyResponse, type ErrorClass } from "./error-class";
import { parseRetryAfter } from "./retry-after";
import { TimeLimit } from "./time-limit";

/** What is kept of an answer's body. The rest is cancelled unread. */
export const responseBodyBytesMax = 2048;
/** What is kept of an answer's headers, as JSON text. */
const responseHeadersCharactersMax = 4096;

/** `read`: reads what the answer of a known service means beyond its status. */
type AttemptRequest = PreparedRequest & { read?: ReadAnswer | null };

type ReadAnswer = NonNullable<ReturnType<typeof answerReaderOf>>;

/**
 * The answer. `error` is null for a 2xx, whatever happened to its body, unless a known service says in it that it failed.
 */
export type AttemptResult = {
  startedAt: number;
  durationMs: number;
  /** The name of the egress that it went through; null when it went out directly. */
  egress: string | null;
  /** Null when no answer came. */
  status: number | null;
  error: ErrorClass | null;
  /** For the log, cut: no decision may rest on it. */
  responseHeaders: Record<string, string>;
  /** For the log, cut. A first line in brackets says when the body, or the rest of it, could not be read. */
  responseBody: string;
  /** For how long a failed answer's `Retry-After` asks that nothing is sent, in ms, at most a day; null when it does not. */
  retryAfterMs: number | null;
  /** A known service will never take this message (`refused`), or any more from this webhook (`gone`), and why. */
  refusal?: { kind: "refused" | "gone"; reason: string };
};

/**
 * Sends once. Redirects are not followed; the time-out covers connecting, waiting and reading. Once the status is there
 * it decides, and a body that does not end in time is cut off.
 * @throws {OwnFailure} when nothing can be said of the receiver.
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
    // The note comes first: a secret that the end of the text cuts is looked for there.
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
  // Not for…of: that asks the runtime for each header apart.
  headers.forEach((value, name) => {
    left -= name.length + value.length;
    if (left >= 0) kept[name] = value;
  });
  return kept;
}
