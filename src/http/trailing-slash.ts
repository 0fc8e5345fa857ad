/** Redirects of paths that end with a slash. */
import type { MiddlewareHandler } from "hono";

/**
 * Middleware for all routes, applied before middleware that may respond with 404. No route ends with a slash: a 404 for
 * such a path becomes a 308 to the path without it. A 308 keeps the method and the body.
 */
export const redirectTrailingSlash: MiddlewareHandler = async (c, next) => {
  await next();
  if (c.res.status !== 404 || c.error !== undefined || !/.\/$/.test(c.req.path)) return;
  // After several slashes at the beginning, a browser would take the rest of the path for a host.
  const path = c.req.path.replace(/\/+$/, "").replace(/^\/+/, "/");
  c.res = c.redirect((path || "/") + new URL(c.req.url).search, 308);
};
