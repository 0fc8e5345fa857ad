/** What a token may do. */

/** Every scope, the least first. */
export const scopes = [
  "webhooks:read",
  "deliveries:read",
  "webhooks:write",
  "events:publish",
  "admin",
] as const;

export type Scope = (typeof scopes)[number];

/** What a scope includes beside itself. */
const included: Record<Scope, readonly Scope[]> = {
  "webhooks:read": [],
  "deliveries:read": ["webhooks:read"],
  "webhooks:write": ["webhooks:read"],
  "events:publish": [],
  admin: scopes,
};

/** What each scope is for, for people who make tokens. */
export const scopesDescription =
  "webhooks:read: settings, states, counts and the log, without texts. deliveries:read: also the texts of events and " +
  "rejected messages and what receivers answered; it includes webhooks:read. webhooks:write: changing webhooks and " +
  "sending again; it includes webhooks:read, and not deliveries:read. events:publish: publishing. admin: everything.";

/** Whether whoever has `held` may do what needs `needed`. */
export function allows(held: readonly Scope[], needed: Scope): boolean {
  return held.some((scope) => scope === needed || included[scope].includes(needed));
}

/** Whether whoever has `held` may see the texts of events and what receivers answered. */
export function mayReadTexts({ scopes: held }: { scopes: readonly Scope[] }): boolean {
  return allows(held, "deliveries:read");
}
