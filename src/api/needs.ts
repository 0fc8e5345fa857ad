/** The scope that a route needs: declared once in its contract, for the authentication and for the OpenAPI document. */
import { type Scope, scopes } from "../auth/scopes";
import type { Router } from "../http/router";

/** @returns the `security` of a route that needs a token with this scope. Routes that need no token have `[]`. */
export function needs(scope: Scope): { token: Scope[] }[] {
  return [{ token: [scope] }];
}

/** The scope of each route, by method and pattern such as `GET /api/events/:uuid`; null when no token is needed. */
export type RouteNeeds = ReadonlyMap<string, Scope | null>;

/**
 * Reads the scopes from the contracts of all routes.
 * @throws when a contract declares no `security`, so that a gateway with an unprotected route does not start.
 */
export function routeNeeds(router: Router): RouteNeeds {
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
