/** One line in the log for each request: what was asked, never with what. */
import type { MiddlewareHandler } from "hono";
import type { Caller } from "../auth/caller";
import { log } from "../platform/log";
import { routePattern } from "./route-pattern";
import type { AppEnv } from "../auth/app-env";

/**
 * Middleware of everything. The line names the route by its pattern: a path as it came may hold anything. It says
 * once, before the first request, when private targets are allowed; `/health` does not, as anyone may ask it.
 */
export function logRequests(): MiddlewareHandler<AppEnv> {
  let isWarned = false;
  return async (c, next) => {
    if (c.env.ALLOW_PRIVATE_TARGETS === "true" && !isWarned) {
      isWarned = true;
      log("warn", "ALLOW_PRIVATE_TARGETS is on: webhooks reach private networks. Never in production.");
    }
    const startedAt = Date.now();
    await next();
    log("info", "request", {
      method: c.req.method,
      route: routePattern(c),
      status: c.res.status,
      // Set by the guard, and only where one was asked for.
      caller: (c.var.caller as Caller | undefined)?.name,
      duration_ms: Date.now() - startedAt,
    });
  };
}
