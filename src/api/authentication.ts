/** Authentication and authorization of the API: a bearer token with the scope that the route needs. */
import type { Context, MiddlewareHandler } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { matchedRoutes } from "hono/route";
import { callerByToken } from "../auth/caller";
import { allows, type Scope } from "../auth/scopes";
import { RequestError } from "../platform/errors";
import { limitGuesses } from "../auth/guesses";
import type { RouteScopes } from "./route-scopes";
import { limitRate } from "../platform/rate-limit";
import { trustedCaller } from "../auth/trusted-requests";
import type { AppEnv } from "../auth/app-env";

const authenticate = bearerAuth<AppEnv>({
  verifyToken: async (token, c) => {
    const caller = await callerByToken(c.env, token, (work) => c.executionCtx.waitUntil(work));
    if (caller === null) await limitGuesses(c, "tokens");
    else c.set("caller", caller);
    return caller !== null;
  },
  noAuthenticationHeader: {
    message: unauthorized(
      'Bearer realm="api"',
      "A token is required. Send it as Authorization: Bearer <token>.",
    ),
  },
  invalidAuthenticationHeader: {
    message: unauthorized(
      'Bearer realm="api", error="invalid_request"',
      "The Authorization header is malformed. Send Authorization: Bearer <token>.",
    ),
  },
  invalidToken: {
    message: unauthorized('Bearer realm="api", error="invalid_token"', "The token is not valid."),
  },
});

/**
 * Middleware for `/api/*`. Sets `c.var.caller`: the caller of the token or, for a request of the Worker itself, the
 * caller given to `trustRequest`.
 * @param routeScopes the scope of every route. For a route that is not in it, the response is 404.
 * @throws {RequestError} 401 with a challenge when the token is missing, malformed, unknown, expired or revoked; 403
 *   when it lacks the scope; 429 when it has too many requests, or when its address has sent too many wrong tokens.
 */
export function guardApi(routeScopes: RouteScopes): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const needed = neededScope(c, routeScopes);
    if (needed === null) return next();
    const trusted = trustedCaller(c.req.raw);
    const identify: typeof authenticate =
      trusted === undefined
        ? authenticate
        : (_c, goOn) => {
            c.set("caller", trusted);
            return goOn();
          };
    return identify(c, async () => {
      if (needed === undefined) {
        c.res = await c.notFound();
        return;
      }
      // Publishers are not rate limited, because a delayed publisher loses events or their order.
      if (needed !== "events:publish") await limitRate(c.env.API_LIMIT, c.var.caller.id, "requests");
      requireScope(c, needed);
      await next();
    });
  };
}

/** @returns the scope; null for a route that needs no token; undefined when the route does not exist. */
function neededScope(c: Context<AppEnv>, routeScopes: RouteScopes): Scope | null | undefined {
  const route = matchedRoutes(c).find(({ method, path }) => routeScopes.has(`${method} ${path}`));
  return route && routeScopes.get(`${route.method} ${route.path}`);
}

function requireScope(c: Context<AppEnv>, needed: Scope): void {
  const held = c.var.caller.scopes;
  if (allows(held, needed)) return;
  const challenge = `Bearer realm="api", error="insufficient_scope", scope="${needed}"`;
  throw authError(403, challenge, `This needs the scope ${needed}. The token has ${held.join(", ")}.`);
}

/**
 * Throws an error, which becomes a 401 with JSON. Hono's own response would be text, and 400 for a malformed header.
 */
function unauthorized(challenge: string, message: string): () => never {
  return () => {
    throw authError(401, challenge, message);
  };
}

function authError(status: 401 | 403, challenge: string, message: string): RequestError {
  return new RequestError(status, message, { headers: { "WWW-Authenticate": challenge } });
}
