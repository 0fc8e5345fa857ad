/** The publisher of an event. */

/**
 * The id of a caller (`auth/caller.ts`), or the source of events that no caller publishes. `gateway`: the gateway's own
 * events.
 */
export type Publisher = "queue" | "orchest" | "gateway" | `${"token" | "bootstrap" | "access"}:${string}`;
