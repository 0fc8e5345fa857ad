/** Explains to people why an attempt failed. */
import type { AttemptResult } from "./attempt";
import { wordsOfJson } from "./answers/field-errors";
import type { ErrorClass } from "./error-class";

/** The most characters of a response that an explanation quotes. */
const wordsMax = 200;

/** The reason phrases of the most frequent statuses (RFC 9110, 15; RFC 6585). */
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
 * @param failed the result of a sender, with secrets masked, because the explanation may quote the response. @param
 *   timeoutMs of the attempt.
 * @returns a clause without a full stop: `the receiver answered 404 Not Found`.
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
    case "format_error":
      return "the event cannot be a message of the webhook's format";
    case "redirect":
      return `the receiver answered with a redirect (${status}), and those are not followed`;
    case "service_error":
      return `the service answered ${status}, but says that it failed${said(failed.responseBody)}`;
    case "http_4xx":
    case "http_5xx":
      return `the receiver answered ${[status, phrases[status ?? 0]].filter(Boolean).join(" ")}${said(failed.responseBody)}`;
  }
}

/**
 * @returns the response as a quotation, such as Slack's `invalid_token`; empty for a response that is empty or an HTML
 *   page.
 */
function said(body: string): string {
  const words = wordsOfJson(body) ?? body.trim().replaceAll(/\s+/gu, " ");
  if (words === "" || words.startsWith("<")) return "";
  const shown = words.length <= wordsMax ? words : `${words.slice(0, wordsMax).toWellFormed()}…`;
  return `: “${shown}”`;
}
