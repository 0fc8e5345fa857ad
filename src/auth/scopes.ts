/** What a token may do. */

/** Every scope, the least first. */
export const scopes = ["webhooks:read", "webhooks:write", "events:publish", "admin"] as const;

export type Scope = (typeof scopes)[number];

/** What a scope includes beside itself. */
const included: Record<Scope, readonly Scope[]> = {
  "webhooks:read": [],
  "webhooks:write": ["webhooks:read"],
  "events:publish": [],
  admin: scopes,
};

/** Whether whoever has `held` may do what needs `needed`. */
export function allows(held: readonly Scope[], needed: Scope): boolean {
  return held.some((scope) => scope === needed || included[scope].includes(needed));
}
