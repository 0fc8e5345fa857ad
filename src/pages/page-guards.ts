/** What keeps pages and their forms from being used against the people who look at them. */
import type { MiddlewareHandler } from "hono";
import { csrf } from "hono/csrf";
import { HTTPException } from "hono/http-exception";
import { secureHeaders } from "hono/secure-headers";
import { RequestError } from "../errors";
import type { AppEnv } from "../http/router";

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

const check = csrf();

/**
 * Middleware of everything but the API, which takes no cookie: a form of another site is refused.
 * @throws {RequestError} 403
 */
export const ownFormsOnly: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.path.startsWith("/api/")) return next();
  let isOwn = false;
  try {
    await check(c, async () => {
      isOwn = true;
    });
  } catch (error) {
    if (!(error instanceof HTTPException)) throw error;
  }
  if (!isOwn) throw new RequestError(403, "Forms are taken from this site's own pages only.");
  await next();
};
