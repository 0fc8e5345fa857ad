/** Protects pages and forms: security headers and a check against cross-site requests. */
import type { Context, HonoRequest, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { secureHeaders } from "hono/secure-headers";
import { RequestError } from "../platform/errors";
import type { AppEnv } from "../auth/app-env";

/** Middleware of every response: only this site's own resources are loaded, framed or submitted to. */
export const pageHeaders: MiddlewareHandler = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    styleSrc: ["'self'"],
    scriptSrc: ["'self'"],
    imgSrc: ["'self'", "data:"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: "DENY",
  // No includeSubDomains: a deployment is responsible for its own host only.
  strictTransportSecurity: "max-age=15552000",
  // Only obsolete browsers and plug-ins support these.
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
  // Nothing sets this header.
  removePoweredBy: false,
});

/** Methods that change nothing (RFC 9110, 9.2.1). */
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Rejects cross-site requests that could change something, whatever their content type. Does not apply to the API,
 * which accepts no cookies, and to paths without a handler for the method, which respond with 405. A handler for all
 * methods must do this check itself.
 * @throws {RequestError} 403
 */
export const ownFormsOnly: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { req } = c;
  const isGuarded = !req.path.startsWith("/api/") && !safeMethods.has(req.method) && hasHandler(c);
  if (isGuarded && !isFromOwnPage(req)) {
    throw new RequestError(403, "Forms are accepted only from this site's own pages.");
  }
  await next();
};

/** Whether a route has a handler for this method. Middleware is registered for all methods, and does not count. */
function hasHandler(c: Context): boolean {
  return matchedRoutes(c).some(({ method }) => method === c.req.method);
}

/**
 * Decides by headers that scripts of pages cannot set. `Sec-Fetch-Site` is needed, because the referrer policy of the
 * pages removes `Origin`.
 */
function isFromOwnPage(request: HonoRequest): boolean {
  const origin = request.header("Origin");
  return request.header("Sec-Fetch-Site") === "same-origin" || origin === new URL(request.url).origin;
}
