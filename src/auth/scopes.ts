/** The scopes of tokens. */

/** Every scope, from the least to the most powerful. */
export const scopes = [
  "webhooks:read",
  "deliveries:read",
  "webhooks:write",
  "events:publish",
  "admin",
] as const;

/** The name of a scope. */
export type Scope = (typeof scopes)[number];

/** The scopes that a scope includes. */
const included: Record<Scope, readonly Scope[]> = {
  "webhooks:read": [],
  "deliveries:read": ["webhooks:read"],
  "webhooks:write": ["webhooks:read"],
  "events:publish": [],
  admin: scopes,
};

/** A description of all scopes, for people who create tokens. */
export const scopesDescription =
  "webhooks:read: settings, states, counts and the log, without bodies. deliveries:read: also the bodies of events and " +
  "rejected messages and receivers' responses; it includes webhooks:read. webhooks:write: changing webhooks, resending and " +
  "replaying; it includes webhooks:read, and not deliveries:read. events:publish: publishing events. admin: everything.";

/** Whether a caller with the scopes `held` has the scope `needed`. */
export function allows(held: readonly Scope[], needed: Scope): boolean {
  return held.some((scope) => scope === needed || included[scope].includes(needed));
}

/** Whether a caller may read the bodies of events and the responses of receivers. */
export function mayReadTexts({ scopes: held }: { scopes: readonly Scope[] }): boolean {
  return allows(held, "deliveries:read");
}
