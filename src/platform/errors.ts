/** The errors that become answers to requests. `http/error-answer.ts` makes the answers. */
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** What the caller did wrong, or what is missing: answered with `status`, `headers` and `{"message"}`. */
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
