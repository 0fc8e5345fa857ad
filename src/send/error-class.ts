/** Classes of failed attempts, as users see them. */

/**
 * `service_error`: a 2xx whose body reports that the message was not delivered. `blocked`: nothing was sent, because
 * the target is not allowed. `format_error`: nothing was sent, because the event cannot be a message of the webhook's
 * format. Locally, failures of DNS and of certificates cannot be distinguished from a refused
 * connection: all three are `connection`.
 */
export type ErrorClass =
  | "timeout"
  | "dns"
  | "tls"
  | "connection"
  | "http_4xx"
  | "http_5xx"
  | "service_error"
  | "redirect"
  | "blocked"
  | "format_error";

/**
 * @returns the class of a response; null for success. Cloudflare turns connection errors into responses of its own: 52x
 *   and 530.
 */
export function classifyResponse(status: number, body: string): ErrorClass | null {
  if (status >= 200 && status <= 299) return null;
  if (status >= 300 && status <= 399) return "redirect";
  if (status >= 400 && status <= 499) return "http_4xx";
  return cloudflareErrors[status] ?? (status === 530 ? classify530(body) : "http_5xx");
}

/** The classes of Cloudflare's own statuses. Source: its documentation, "5xx errors". */
const cloudflareErrors: Record<number, ErrorClass> = {
  521: "connection",
  522: "timeout",
  523: "connection",
  524: "timeout",
  525: "tls",
  526: "tls",
};

/** 530 carries the reason in its body: 1016 is a name that does not resolve. */
function classify530(body: string): ErrorClass {
  if (!body.includes("error code:")) return "http_5xx";
  return body.includes("1016") ? "dns" : "connection";
}

/** @returns the class of an exception of `fetch`. The caller handles timeouts. */
export function classifyException(error: unknown): ErrorClass {
  const text = String(error);
  if (/certificate|TLS|SSL/i.test(text)) return "tls";
  if (/DNS|resolve host/i.test(text)) return "dns";
  return "connection";
}
