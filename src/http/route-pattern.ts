/** Which route a request is for: by its pattern, as a path as it came may hold anything. */
import type { Context } from "hono";
import { matchedRoutes } from "hono/route";

/** @returns the pattern of the first route that fits, such as `/api/events/:uuid`; that of the middleware where none does. */
export function routePattern(c: Context): string {
  const routes = matchedRoutes(c);
  const own = routes.find(({ path }) => !path.endsWith("*"));
  return (own ?? routes.at(-1))?.path ?? "";
}
