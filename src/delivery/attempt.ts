/** One HTTP request to a receiver, and what came of it. A receiver's failure is data here, never an exception. */
import { readBounded } from "./bounded-text";
import { classifyException, classifyResponse, type ErrorClass } from "./error-class";
import type { TimeLimits } from "./time-limits";

/** What is kept of an answer's body. The rest is cancelled unread. */
const responseBodyBytesMax = 2048;
/** What is kept of an answer's headers, as JSON text. */
const responseHeadersCharactersMax = 4096;

export type PreparedRequest = {
  url: string;
  headers: Record<string, string>;
  body: Uint8Array;
  timeoutMs: number;
};

/** What came back. `error` is null exactly for a 2xx whose body ended or filled its bound in time. */
export type AttemptResult = {
  startedAt: number;
  durationMs: number;
  /** Null when no answer came. */
  status: number | null;
  error: ErrorClass | null;
  responseHeaders: Record<string, string>;
  responseBody: string;
};

/**
 * Sends once. Redirects are not followed; the time-out covers connecting, waiting and reading.
 * @param limits of whoever sends: to be let rest when nothing more is sent.
 */
export async function attempt(request: PreparedRequest, limits: TimeLimits): Promise<AttemptResult> {
  const startedAt = Date.now();
  const limit = limits.begin(request.timeoutMs);
  let answer: Pick<AttemptResult, "status" | "responseHeaders"> = { status: null, responseHeaders: {} };
  const end = (error: ErrorClass | null, responseBody = ""): AttemptResult => ({
    startedAt,
    durationMs: Date.now() - startedAt,
    error,
    ...answer,
    responseBody,
  });
  try {
    const response = await fetch(request.url, {
      method: "POST",
      headers: request.headers,
      body: request.body,
      redirect: "manual",
      signal: limit.signal,
    });
    answer = { status: response.status, responseHeaders: boundedHeaders(response.headers) };
    const body = await readBounded(response, responseBodyBytesMax);
    return end(classifyResponse(response.status, body), body);
  } catch (error) {
    return end(limit.signal.aborted ? "timeout" : classifyException(error));
  } finally {
    limits.end(limit);
  }
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
