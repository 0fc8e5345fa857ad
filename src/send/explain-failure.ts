/** Why an attempt failed, in words for people. */
import type { AttemptResult } from "./attempt";
import { wordsOfJson } from "./answers/field-errors";
import type { ErrorClass } from "./error-class";

/** What is repeated of a receiver's own words. */
const wordsMax = 200;

/** What receivers answer most often (RFC 9110, 15; RFC 6585). */
const phrases: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/**
 * @param failed with its secrets masked, as a sender gives it: the answer's own words may be among what is said.
 * @returns the end of a sentence that began with what was tried: `the receiver answered 404 Not Found`.
 */
export function explainFailure(
  failed: Pick<AttemptResult, "status" | "responseBody"> & { error: ErrorClass },
  timeoutMs: number,
): string {
  const { error, status } = failed;
  switch (error) {
    case "timeout":
      return `no answer within ${timeoutMs / 1000} s`;
    case "dns":
      return "the host's name does not resolve";
    case "tls":
      return "the host's certificate is not valid";
    case "connection":
      return "the connection failed: nothing listens there, what listens there does not answer in HTTP, or the host's name or its certificate is wrong";
    case "blocked":
      return "the host may not be reached";
    case "redirect":
      return `the receiver answered with a redirect (${status}), and those are not followed`;
    case "service_error":
      return `the service answered ${status}, but says that it failed${said(failed.responseBody)}`;
    case "http_4xx":
    case "http_5xx":
      return `the receiver answered ${[status, phrases[status ?? 0]].filter(Boolean).join(" ")}${said(failed.responseBody)}`;
  }
}

/** The receiver's words, where they are a line for people: Slack's `invalid_token`, and not a page of HTML. */
function said(body: string): string {
  const words = wordsOfJson(body) ?? body.trim().replaceAll(/\s+/gu, " ");
  if (words === "" || words.startsWith("<")) return "";
  const shown = words.length <= wordsMax ? words : `${words.slice(0, wordsMax).toWellFormed()}…`;
  return `: “${shown}”`;
}
