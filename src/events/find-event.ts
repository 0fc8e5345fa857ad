/** Finding one event by its uuid. */
import { withTimeout } from "../platform/timeouts";
import type { FullArchivedEvent } from "./archived-event";
import { findInOldArchive } from "./old-archive/list";
import { countShards } from "./shard-count";
import { shardOf, shardStub } from "./shard/shard-of";

/**
 * @param uuid in lower case; any other text is not found.
 * @returns null when no archive has it (any more). @throws when its shard or D1 cannot be reached.
 */
export async function findEvent(env: Env, uuid: string): Promise<FullArchivedEvent | null> {
  if (!/^[0-9a-f-]{36}$/.test(uuid)) return null;
  const shards = await countShards(env);
  const found = await withTimeout<FullArchivedEvent | null>(shardStub(env, shardOf(uuid, shards)).find(uuid));
  return found ?? (await findInOldArchive(env.DB, uuid));
}
