/**
 * The scopes of routes. Each is declared once, in the route's contract, for authentication and for the OpenAPI
 * document.
 */
import { type Scope, scopes } from "../auth/scopes";
import type { Router } from "../http/router";

/** @returns the `security` of a route that requires a token with this scope. Routes that require no token have `[]`. */
export function requiresScope(scope: Scope): { token: Scope[] }[] {
  return [{ token: [scope] }];
}

/** The scope of each route, by method and pattern such as `GET /api/events/:uuid`; null when no token is needed. */
export type RouteScopes = ReadonlyMap<string, Scope | null>;

/**
 * Reads the scopes from the contracts of all routes.
 * @throws when a contract declares no `security`, so that a gateway with an unprotected route does not start.
 */
export function routeScopes(router: Router): RouteScopes {
  const declared = new Map<string, Scope | null>();
  for (const definition of router.openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const { method, path, security } = definition.route;
    const key = `${method.toUpperCase()} ${path.replaceAll(/\{(.+?)\}/g, ":$1")}`;
    if (security === undefined) throw new Error(`${key} does not declare the scope that it needs.`);
    declared.set(key, security.length === 0 ? null : scopeOf(key, security));
  }
  return declared;
}

function scopeOf(key: string, security: Record<string, string[]>[]): Scope {
  const [only, ...others] = security.flatMap(({ token = [] }) => token);
  const scope = scopes.find((known) => known === only);
  if (scope === undefined || others.length > 0) throw new Error(`${key} must declare exactly one scope.`);
  return scope;
}
