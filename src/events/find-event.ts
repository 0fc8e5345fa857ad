/** Finding one event by its uuid. */
import { withTimeout } from "../platform/timeouts";
import type { FullArchivedEvent } from "./archived-event";
import { findInOldArchive } from "./old-archive/list";
import { countShards } from "./shard-count";
import { ownersOf, shardStub } from "./shard/shard-of";

/**
 * @param uuid in lower case; any other text is not found.
 * @returns null when no archive has it (any more). @throws when a shard that may have it or D1 cannot be reached.
 */
export async function findEvent(env: Env, uuid: string): Promise<FullArchivedEvent | null> {
  if (!/^[0-9a-f-]{36}$/.test(uuid)) return null;
  const owners = ownersOf(uuid, await countShards(env));
  const asked = await Promise.allSettled(
    owners.map(async (shard) => withTimeout<FullArchivedEvent | null>(shardStub(env, shard).find(uuid))),
  );
  for (const result of asked.toReversed())
    if (result.status === "fulfilled" && result.value !== null) return result.value;
  for (const result of asked) if (result.status === "rejected") throw result.reason;
  return findInOldArchive(env.DB, uuid);
}
