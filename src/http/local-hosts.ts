/** Protection of a local gateway against requests from other web pages (DNS rebinding). */
import type { HonoRequest, MiddlewareHandler } from "hono";
import { RequestError } from "../platform/errors";
import type { AppEnv } from "../auth/app-env";

/** The path of the OpenAPI document. */
export const documentPath = "/openapi.json";

const localHosts = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Middleware for all routes, before any other that reads the request. A gateway with `ALLOW_PRIVATE_TARGETS` has a
 * publicly known token and reaches private networks. Any web page could call it by rebinding its own host name to
 * 127.0.0.1; browsers then send that name as the host and, except for reads, as the origin.
 * @throws {RequestError} 403 for a host or origin other than 127.0.0.1, localhost and [::1], on any port.
 */
export const localHostsOnly: MiddlewareHandler<AppEnv> = async (c, next) => {
  // `readConfig` would throw when another setting is missing.
  if (c.env.ALLOW_PRIVATE_TARGETS !== "true") return next();
  const host = c.req.header("Host");
  const named = host && `http://${host}`;
  // Wrangler takes the URL, and may take `Host`, from a header of its own that a client can send, so that both are
  // checked.
  const url = named !== undefined && c.req.url.startsWith(`${named}/`) ? named : c.req.url;
  const urls = new Set([url, named, originOf(c.req)]);
  if ([...urls].every((each) => each === undefined || isLocal(each))) return next();
  throw new RequestError(
    403,
    "With ALLOW_PRIVATE_TARGETS the gateway accepts only requests to 127.0.0.1, localhost and [::1], and from pages there.",
  );
};

/**
 * @returns the header `Origin`. Undefined for forms of the gateway's own pages, for which browsers send "null" because
 *   of the pages' referrer policy. Undefined, too, for the OpenAPI document: it has no secrets, and OpenAPI readers on
 *   other sites may fetch it.
 */
function originOf(request: HonoRequest): string | undefined {
  const origin = request.header("Origin");
  const isOwnForm = origin === "null" && request.header("Sec-Fetch-Site") === "same-origin";
  return isOwnForm || request.path === documentPath ? undefined : origin;
}

function isLocal(url: string): boolean {
  return localHosts.has(URL.parse(url)?.hostname ?? "");
}
