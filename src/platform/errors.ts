/** The errors that become responses to requests: see `http/error-response.ts`. */
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** An error of the caller. The response has `status`, `headers` and `{"message"}`. */
export class RequestError extends Error {
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly status: ContentfulStatusCode,
    message: string,
    { headers = {}, ...options }: ErrorOptions & { headers?: Record<string, string> } = {},
  ) {
    super(message, options);
    this.name = "RequestError";
    this.headers = headers;
  }
}

/**
 * An error of the gateway's own parts: D1, a lane or an event shard cannot be reached now.
 * @param options.retryAfterS when to try again, in seconds. @returns a 503 with this `Retry-After`.
 */
export function unavailable(
  message: string,
  { retryAfterS, ...options }: ErrorOptions & { retryAfterS: number },
): RequestError {
  return new RequestError(503, message, { headers: { "Retry-After": String(retryAfterS) }, ...options });
}

/** A validation error of one field: 400 with the message `field: rule`. */
export class FieldError extends RequestError {
  /** @param field the name in the request: `url`, `subscriptions[2].event_type`. @param rule says what is allowed. */
  constructor(
    readonly field: string,
    readonly rule: string,
  ) {
    super(400, `${field}: ${rule}`);
    this.name = "FieldError";
  }
}

/** A setting of the deployment is missing or malformed. The message names the setting and never contains its value. */
export class ConfigurationError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ConfigurationError";
  }
}
