/** The timeout of requests, for all that a handler waits for without one of its own. */
import type { MiddlewareHandler } from "hono";
import { withTimeout } from "../platform/timeouts";

/** Less than the 60 s after which many clients and proxies give up without an answer. */
const requestMs = 30_000;

/**
 * @param isBounded whether a request ends in time by itself.
 * @returns middleware that throws a `TimeoutError` after 30 s. What was under way is not cancelled: whether it is carried out is
 *   unknown.
 */
export function limitDuration(isBounded: (method: string, path: string) => boolean): MiddlewareHandler {
  return async ({ req }, next) => {
    if (isBounded(req.method, req.path)) return next();
    await withTimeout(next(), requestMs);
  };
}
