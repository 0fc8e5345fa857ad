/** Queries on the table `event_types`. */
import { database } from "../db/database";
import { eventTypes } from "../db/schema";

/** @returns the names of all subscribable event types, in the order of the migrations that added them. */
export async function listEventTypes(env: Env): Promise<string[]> {
  const rows = await database(env).select({ name: eventTypes.name }).from(eventTypes).orderBy(eventTypes.id);
  return rows.map((row) => row.name);
}
