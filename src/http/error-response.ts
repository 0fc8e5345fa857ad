/** Turns errors into responses, for all routes. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { ConfigurationError, RequestError } from "../platform/errors";
import { log } from "../platform/log";
import { routePattern } from "./route-pattern";

/**
 * Hono's error handler: responds with JSON `{"message"}`. The details of unexpected errors are logged and not shown to the
 * caller.
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
  return c.json({ message: "Something went wrong on our side. Try again." }, 500);
}
