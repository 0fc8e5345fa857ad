/** The request log: one line per request, without parameters and bodies. */
import type { MiddlewareHandler } from "hono";
import type { Caller } from "../auth/caller";
import { log } from "../platform/log";
import { routePattern } from "./route-pattern";
import type { AppEnv } from "../auth/app-env";

/**
 * Middleware for all routes. A line has the route's pattern instead of the path, because a path may contain secrets that
 * were sent by mistake. The first request also logs a warning when `ALLOW_PRIVATE_TARGETS` is on.
 */
export function logRequests(): MiddlewareHandler<AppEnv> {
  let isWarned = false;
  return async (c, next) => {
    if (c.env.ALLOW_PRIVATE_TARGETS === "true" && !isWarned) {
      isWarned = true;
      log(
        "warn",
        "ALLOW_PRIVATE_TARGETS is on: webhooks can reach private networks. Do not use it in production.",
      );
    }
    const startedAt = Date.now();
    await next();
    log("info", "request", {
      method: c.req.method,
      route: routePattern(c),
      status: c.res.status,
      // Undefined when the route needs no caller or nobody was authenticated.
      caller: (c.var.caller as Caller | undefined)?.name,
      duration_ms: Date.now() - startedAt,
    });
  };
}
