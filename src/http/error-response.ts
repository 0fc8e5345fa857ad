/** The one place where an error becomes an answer. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { ConfigurationError, RequestError } from "../platform/errors";
import { log } from "../platform/log";
import { routePattern } from "./route-pattern";

/**
 * Turns anything thrown under a route into JSON `{"message"}`. The details of an unexpected failure go to the log only:
 * the caller learns that it happened.
 */
export function onError(error: Error, c: Context): Response | Promise<Response> {
  if (error instanceof RequestError) return c.json({ message: error.message }, error.status, error.headers);
  if (error instanceof HTTPException) {
    // Hono's own, such as a body that is not JSON.
    return c.json({ message: error.message || "The request could not be read." }, error.status);
  }
  if (error instanceof ConfigurationError) {
    log("error", "configuration", { error: error.message });
    return c.json({ message: error.message }, 500);
  }
  log("error", "request failed", { route: routePattern(c), error: String(error), stack: error.stack });
  return c.json({ message: "Something went wrong on our side. Nothing is lost: try again." }, 500);
}
