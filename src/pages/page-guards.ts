/** What keeps pages and their forms from being used against the people who look at them. */
import type { HonoRequest, MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { RequestError } from "../platform/errors";
import type { AppEnv } from "../auth/app-env";

/** Middleware of every answer: nothing but what this site serves is run, shown, framed or sent to. */
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
  // A deployment answers for its own host only.
  strictTransportSecurity: "max-age=15552000",
  // Only browsers and plug-ins that are gone know these.
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
  // Nothing here has ever set it.
  removePoweredBy: false,
});

/** What changes nothing (RFC 9110, 9.2.1). */
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Middleware of everything but the API, which takes no cookie: what could change something is refused when it comes from
 * another site, whatever its content type.
 * @throws {RequestError} 403
 */
export const ownFormsOnly: MiddlewareHandler<AppEnv> = async ({ req }, next) => {
  const isGuarded = !req.path.startsWith("/api/") && !safeMethods.has(req.method);
  if (isGuarded && !isFromOwnPage(req)) {
    throw new RequestError(403, "Forms are taken from this site's own pages only.");
  }
  await next();
};

/** By what browsers say and no page can make them say; `Sec-Fetch-Site` since the pages' referrer policy leaves no `Origin`. */
function isFromOwnPage(request: HonoRequest): boolean {
  const origin = request.header("Origin");
  return request.header("Sec-Fetch-Site") === "same-origin" || origin === new URL(request.url).origin;
}
