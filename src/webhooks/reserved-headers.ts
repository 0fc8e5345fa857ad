/** Headers that a webhook may not set: the gateway, HTTP, browsers and proxies say something with them. */

const names = new Set([
  // Of the gateway, and of how a message is sent (RFC 9110, 7.6.1; RFC 9112).
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
  // Of browsers (Fetch Standard, "forbidden request-header"): a receiver may take them for a person's consent.
  "cookie",
  "cookie2",
  "origin",
  "referer",
  "set-cookie",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  // Of proxies: who asks, and for what.
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

/** The address of who asks, as proxies name it: `True-Client-IP`, `X-Real-IP`, `X-Remote-Addr` … */
const clientAddress = /(?:^|-)(?:client-?|real-?|remote-|originating-)(?:ip|addr)$/;

/** Whether a webhook may not set it. Servers that speak CGI or WSGI do not tell `_` from `-`, so that neither does this. */
export function isReserved(name: string): boolean {
  const known = name.toLowerCase().replaceAll("_", "-");
  return names.has(known) || prefixes.some((prefix) => known.startsWith(prefix)) || clientAddress.test(known);
}
