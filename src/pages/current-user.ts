/** Who looks at a page, and what they may see. */
import type { Context, MiddlewareHandler } from "hono";
import { callerByAccess } from "../auth/access";
import type { Caller } from "../auth/caller";
import { allows, type Scope } from "../auth/scopes";
import { callerBySession } from "../auth/session";
import type { AppEnv } from "../http/router";
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

/** A form that was sent too late cannot be come back to. */
function signInPath(c: Context): string {
  if (c.req.method !== "GET") return "/sign-in";
  const { pathname, search } = new URL(c.req.url);
  return pathname === "/" && search === ""
    ? "/sign-in"
    : `/sign-in?next=${encodeURIComponent(pathname + search)}`;
}
