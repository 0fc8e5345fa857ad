/** From whom an event came. */

/** The id of a caller (`auth/caller.ts`), or where else events come from; `gateway`: the gateway's own. */
export type Publisher = "queue" | "orchest" | "gateway" | `${"token" | "bootstrap" | "access"}:${string}`;
