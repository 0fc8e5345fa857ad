/** The one error type that becomes an answer, and the one place where any error does. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { log } from "./log";
import { routePattern } from "../http/route-pattern";

/** What the caller did wrong, or what is missing: answered with `status` and `{"message"}`. */
export class RequestError extends Error {
  constructor(
    readonly status: ContentfulStatusCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "RequestError";
  }
}

/** What is wrong with one field of what was sent in: 400 with `field: rule`. */
export class FieldError extends RequestError {
  /** @param field as it is sent in: `url`, `subscriptions[2].event_type`. @param rule a sentence that says what is allowed. */
  constructor(
    readonly field: string,
    readonly rule: string,
  ) {
    super(400, `${field}: ${rule}`);
    this.name = "FieldError";
  }
}

/** A setting of the deployment that is missing or unusable. The message names it and never shows its value. */
export class ConfigurationError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ConfigurationError";
  }
}

/**
 * Turns anything thrown under a route into JSON `{"message"}`. What is ours stays ours: the caller of an
 * unexpected failure learns only that it happened, the log learns what.
 */
export function onError(error: Error, c: Context): Response | Promise<Response> {
  if (error instanceof RequestError) return c.json({ message: error.message }, error.status);
  if (error instanceof HTTPException) {
    const { status } = error;
    const response = error.getResponse();
    for (const name of ["WWW-Authenticate", "Retry-After"]) {
      const value = response.headers.get(name);
      if (value !== null) c.header(name, value);
    }
    return c.json({ message: error.message || "The request could not be read." }, status);
  }
  if (error instanceof ConfigurationError) {
    log("error", "configuration", { error: error.message });
    return c.json({ message: error.message }, 500);
  }
  log("error", "request failed", { route: routePattern(c), error: String(error), stack: error.stack });
  return c.json({ message: "Something went wrong on our side. Nothing is lost: try again." }, 500);
}
