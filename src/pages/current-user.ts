/** Who looks at a page, and what they may see. */
import type { Context, MiddlewareHandler } from "hono";
import { callerByAccess } from "../auth/access";
import type { Caller } from "../auth/caller";
import { allows, type Scope } from "../auth/scopes";
import { callerBySession } from "../auth/session";
import type { AppEnv } from "../auth/app-env";
import { renderForbidden } from "./forbidden";

/** @returns the person whom Cloudflare Access vouches for or who signed in with a token, or null. */
export async function currentUser(c: Context<AppEnv>): Promise<Caller | null> {
  const assertion = c.req.header("Cf-Access-Jwt-Assertion");
  const vouchedFor = assertion === undefined ? null : await callerByAccess(c.env, assertion);
  return vouchedFor ?? callerBySession(c);
}

/**
 * Middleware of every page but the sign-in. What follows has the person in `c.var.caller`.
 * Who is not signed in is sent to sign in and then back here; who lacks `scope` is told so, with 403.
 */
export function signedIn(scope: Scope): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const user = await currentUser(c);
    if (user === null) return c.redirect(signInPath(c), 303);
    c.set("caller", user);
    if (!allows(user.scopes, scope)) return renderForbidden(c, scope);
    await next();
  };
}

/** Paths that only forms are sent to: what stands before is the page that they are on. */
const formOnly = /(?<=^\/dead)\/replay$|\/(?:job-failures(?:\/undo)?|test|pause|resume|redeliver|skip)$/;

/** Leads back afterwards; from a form that was sent too late to its page. */
function signInPath(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  const isForm = c.req.method !== "GET";
  const next = isForm ? pathname.replace(formOnly, "") || "/" : pathname + search;
  const query = new URLSearchParams({ ...(isForm && { unsaved: "yes" }), ...(next !== "/" && { next }) });
  return query.size === 0 ? "/sign-in" : `/sign-in?${query.toString()}`;
}
