/** The signed-in user of a page, and what they may see. */
import type { Context, MiddlewareHandler } from "hono";
import { callerByAccess } from "../auth/access";
import type { Caller } from "../auth/caller";
import { allows, type Scope } from "../auth/scopes";
import { callerBySession } from "../auth/session";
import type { AppEnv } from "../auth/app-env";
import { renderForbidden } from "./forbidden";

/** @returns the user that Cloudflare Access authenticated or that signed in with a token, or null. */
export async function currentUser(c: Context<AppEnv>): Promise<Caller | null> {
  const assertion = c.req.header("Cf-Access-Jwt-Assertion");
  const accessUser = assertion === undefined ? null : await callerByAccess(c.env, assertion);
  return accessUser ?? callerBySession(c);
}

/**
 * Middleware of every page but the sign-in. Sets `c.var.caller`. Redirects users who are not signed in to the sign-in
 * page, and then back; responds with 403 to those who lack `scope`.
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

/** The end of paths that only accept POST: the path before it is the page with the form. */
const postOnly = /(?<=^\/dead)\/replay$|\/(?:job-failures(?:\/undo)?|test|pause|resume|redeliver|skip|stop)$/;

/** The path of the sign-in page, which redirects back afterwards; for a form, to the form's page. */
function signInPath(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  const isForm = c.req.method !== "GET";
  const next = isForm ? pathname.replace(postOnly, "") || "/" : pathname + search;
  const query = new URLSearchParams({ ...(isForm && { unsaved: "yes" }), ...(next !== "/" && { next }) });
  return query.size === 0 ? "/sign-in" : `/sign-in?${query.toString()}`;
}
