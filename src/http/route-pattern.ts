/** The route of a request as a pattern, for logs: unlike a path, it contains nothing that a client sent. */
import type { Context } from "hono";
import { matchedRoutes } from "hono/route";

/** @returns the pattern of the first matching route, such as `/api/events/:uuid`; else that of the last middleware. */
export function routePattern(c: Context): string {
  const routes = matchedRoutes(c);
  const own = routes.find(({ path }) => !path.endsWith("*"));
  return (own ?? routes.at(-1))?.path ?? "";
}
