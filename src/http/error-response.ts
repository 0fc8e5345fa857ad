/** Turns errors into responses, for all routes. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { ConfigurationError, RequestError } from "../platform/errors";
import { TimeoutError } from "../platform/timeouts";
import { log } from "../platform/log";
import { isDatabaseFailure } from "./database-failure";
import { routePattern } from "./route-pattern";

/** When to repeat a request that failed because of D1. */
const retryAfterSeconds = 5;

/**
 * Hono's error handler: responds with JSON `{"message"}`. The details of unexpected errors are logged and not shown to the
 * caller. A request that failed because D1 failed, or because D1 or an object did not respond, gets 503 with `Retry-After`.
 */
export function onError(error: Error, c: Context): Response | Promise<Response> {
  if (error instanceof RequestError) return c.json({ message: error.message }, error.status, error.headers);
  if (error instanceof HTTPException) {
    // Thrown by Hono, for example when a body is not valid JSON.
    return c.json({ message: error.message || "The request could not be read." }, error.status);
  }
  if (error instanceof ConfigurationError) {
    log("error", "configuration", { error: error.message });
    return c.json({ message: error.message }, 500);
  }
  log("error", "request failed", { route: routePattern(c), error: String(error), stack: error.stack });
  if (isDatabaseFailure(error) || error instanceof TimeoutError) {
    return c.json({ message: failureMessage(c, error) }, 503, { "Retry-After": String(retryAfterSeconds) });
  }
  return c.json({ message: "Something went wrong on our side. Try again." }, 500);
}

function failureMessage({ req: { method } }: Context, error: Error): string {
  const failed =
    error instanceof TimeoutError
      ? "The gateway's database or one of its objects did not answer in time."
      : "The gateway's database did not answer.";
  if (method === "GET" || method === "HEAD") return `${failed} Try again in a few seconds.`;
  return `${failed} The change may not have been made: try again in a few seconds.`;
}
