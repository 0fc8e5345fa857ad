/** Redirects of paths that end with a slash. */
import type { MiddlewareHandler } from "hono";

/**
 * Middleware for all routes, outside of those that may respond with 404. No route ends with a slash: what would be a 404
 * is a 308, which keeps the method and the body, to the path without it.
 */
export const redirectTrailingSlash: MiddlewareHandler = async (c, next) => {
  await next();
  if (c.res.status !== 404 || c.error !== undefined || !/.\/$/.test(c.req.path)) return;
  // Of several slashes at the beginning, a browser would read what follows as a host.
  const path = c.req.path.replace(/\/+$/, "").replace(/^\/+/, "/");
  c.res = c.redirect((path || "/") + new URL(c.req.url).search, 308);
};
