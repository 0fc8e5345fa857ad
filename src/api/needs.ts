/** What a route needs of its caller: said once, in its contract, for the guard and for the OpenAPI document. */
import { type Scope, scopes } from "../auth/scopes";
import type { Router } from "../http/router";

/** The `security` of a route that a token with this scope may call. One that needs no token has `[]`. */
export function needs(scope: Scope): { token: Scope[] }[] {
  return [{ token: [scope] }];
}

/** By method and pattern, such as `GET /api/events/:uuid`: the scope, or null where no token is needed. */
export type RouteNeeds = ReadonlyMap<string, Scope | null>;

/**
 * Reads the contracts of all routes.
 * @throws when one does not say what it needs: a gateway with such a route must not start.
 */
export function routeNeeds(router: Router): RouteNeeds {
  const declared = new Map<string, Scope | null>();
  for (const definition of router.openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const { method, path, security } = definition.route;
    const key = `${method.toUpperCase()} ${path.replaceAll(/\{(.+?)\}/g, ":$1")}`;
    if (security === undefined) throw new Error(`${key} does not say which scope it needs.`);
    declared.set(key, security.length === 0 ? null : scopeOf(key, security));
  }
  return declared;
}

function scopeOf(key: string, security: Record<string, string[]>[]): Scope {
  const [only, ...others] = security.flatMap(({ token = [] }) => token);
  const scope = scopes.find((known) => known === only);
  if (scope === undefined || others.length > 0) throw new Error(`${key} must need one scope.`);
  return scope;
}
