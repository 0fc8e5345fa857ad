/** Queries on the table of event types. */
import { database } from "../db/database";
import { eventTypes } from "../db/schema";

/** @returns the names of what can be subscribed to, in the order of the migrations that added them. */
export async function listEventTypes(env: Env): Promise<string[]> {
  const rows = await database(env).select({ name: eventTypes.name }).from(eventTypes).orderBy(eventTypes.id);
  return rows.map((row) => row.name);
}
