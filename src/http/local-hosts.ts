/** The names that a local gateway answers to. */
import type { HonoRequest, MiddlewareHandler } from "hono";
import { RequestError } from "../platform/errors";
import type { AppEnv } from "../auth/app-env";

const localHosts = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Middleware of everything, before anything else looks at the request. A gateway with `ALLOW_PRIVATE_TARGETS` has a
 * published token and reaches private networks, and a web page can call it: the page's own name only has to be re-bound
 * to 127.0.0.1. The browser then still sends that name as the host and, unless it only reads, as the origin.
 * @throws {RequestError} 403 for any other host or origin, on any port.
 */
export const localHostsOnly: MiddlewareHandler<AppEnv> = async (c, next) => {
  // Not by `readConfig`, which throws where another setting is missing.
  if (c.env.ALLOW_PRIVATE_TARGETS !== "true") return next();
  const host = c.req.header("Host");
  const origin = originOf(c.req);
  // Wrangler takes the URL from a header of its own where a client sends one, and may take `Host` from that.
  const named = [c.req.url, host && `http://${host}`, origin];
  if (named.every((url) => url === undefined || isLocal(url))) return next();
  throw new RequestError(
    403,
    "With ALLOW_PRIVATE_TARGETS the gateway answers only at 127.0.0.1, localhost and [::1], and only pages from there.",
  );
};

/** Browsers write "null" for a form of the gateway's own pages, because of their referrer policy: the host then says all. */
function originOf(request: HonoRequest): string | undefined {
  const origin = request.header("Origin");
  const isOwnForm = origin === "null" && request.header("Sec-Fetch-Site") === "same-origin";
  return isOwnForm ? undefined : origin;
}

function isLocal(url: string): boolean {
  return localHosts.has(URL.parse(url)?.hostname ?? "");
}
