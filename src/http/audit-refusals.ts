/** Middleware of everything: refused requests and sign-ins are written down in the audit log. */
import type { MiddlewareHandler } from "hono";
import type { Caller } from "../auth/caller";
import { routePattern } from "./route-pattern";
import type { AppEnv } from "../auth/app-env";
import { auditRefusal } from "../db/audit";
import { actorOf } from "../auth/audit";

const signInPath = "/sign-in";
/** A form that cannot be read is no sign-in. */
const refusedSignIns = new Set([401, 403, 429]);

/**
 * Writes down every 403 and every sign-in that fails. A wrong token of the API (401) is not among them: looking for one
 * shall cost the database nothing.
 */
export const auditRefusals: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  const { status } = c.res;
  const { method } = c.req;
  const isSignIn = c.req.path === signInPath && method === "POST";
  if (status !== 403 && !(isSignIn && refusedSignIns.has(status))) return;
  // Set where one was recognised.
  const caller: Caller | undefined = c.var.caller;
  await auditRefusal(c.env, actorOf(c, caller ?? null), {
    action: isSignIn ? "session.refused" : "request.refused",
    detail: `${status} ${method} ${routePattern(c)}`,
  });
};
