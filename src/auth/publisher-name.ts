/** The names of events' publishers. */
import { nameOfCaller } from "./caller";

const names = new Map([
  ["queue", "The queue"],
  ["orchest", "Orchest"],
  ["gateway", "The gateway"],
]);

/**
 * @param publisher the id of an archived event's publisher (`Publisher`). @returns its current name; null when it is
 *   not known.
 */
export async function publisherName(env: Env, publisher: string | null): Promise<string | null> {
  if (publisher === null) return null;
  return names.get(publisher) ?? nameOfCaller(env, publisher);
}
