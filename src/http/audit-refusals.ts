/** Middleware that audits refused requests and sign-ins. */
import type { MiddlewareHandler } from "hono";
import type { Caller } from "../auth/caller";
import { routePattern } from "./route-pattern";
import type { AppEnv } from "../auth/app-env";
import { auditRefusal } from "../db/audit";
import { actorOf } from "../auth/audit";

const signInPath = "/sign-in";
/** The statuses of a failed sign-in. A 400 is not one of them: the form was malformed. */
const refusedSignIns = new Set([401, 403, 429]);

/**
 * Middleware for all routes. Audits every 403 and every failed sign-in. A 401 of the API is not audited, so that guessing
 * tokens writes nothing to the database.
 */
export const auditRefusals: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  const { status } = c.res;
  const { method } = c.req;
  const isSignIn = c.req.path === signInPath && method === "POST";
  if (status !== 403 && !(isSignIn && refusedSignIns.has(status))) return;
  // Undefined when nobody was authenticated.
  const caller: Caller | undefined = c.var.caller;
  await auditRefusal(c.env, actorOf(c, caller ?? null), {
    action: isSignIn ? "session.refused" : "request.refused",
    detail: `${status} ${method} ${routePattern(c)}`,
  });
};
