/** What the publisher of an archived event is called. */
import { nameOfCaller } from "./caller";

const names = new Map([
  ["queue", "The queue"],
  ["orchest", "Orchest"],
  ["gateway", "The gateway"],
]);

/** @param publisher as the archive has it (`Publisher`). @returns null where it, or its name, is not known. */
export async function publisherName(env: Env, publisher: string | null): Promise<string | null> {
  if (publisher === null) return null;
  return names.get(publisher) ?? nameOfCaller(env, publisher);
}
