/** Headers that a webhook may not set, because the gateway, HTTP, browsers or proxies give them a meaning. */

const names = new Set([
  // Set by the gateway or by HTTP (RFC 9110, 7.6.1; RFC 9112).
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "date",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "max-forwards",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  // Set by browsers (Fetch Standard, "forbidden request-header"): with them, a receiver may take a delivery for a
  // person's request.
  "cookie",
  "cookie2",
  "origin",
  "referer",
  "set-cookie",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  // Set by proxies: the client and the requested URL.
  "cdn-loop",
  "forwarded",
  "forwarded-for",
  "via",
  "x-forwarded",
  "x-host",
  "x-rewrite-url",
]);

const prefixes = [
  "access-control-",
  "cf-",
  "proxy-",
  "sec-",
  "webhook-",
  "x-azure-",
  "x-forwarded-",
  "x-hub-signature",
  "x-orchest-",
  "x-original-",
];

/** The names in which proxies put the client's address: `True-Client-IP`, `X-Real-IP`, `X-Remote-Addr` … */
const clientAddress = /(?:^|-)(?:client-?|real-?|remote-|originating-)(?:ip|addr)$/;

/** Whether a header is reserved, in any case. `_` counts as `-`, because CGI and WSGI do not distinguish them. */
export function isReserved(name: string): boolean {
  const known = name.toLowerCase().replaceAll("_", "-");
  return names.has(known) || prefixes.some((prefix) => known.startsWith(prefix)) || clientAddress.test(known);
}
