/** Finding one event by its uuid. */
import { unavailable } from "../platform/errors";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";
import type { FullArchivedEvent } from "./archived-event";
import { findInOldArchive } from "./old-archive/list";
import { countShards } from "./shard-count";
import { ownersOf, shardStub } from "./shard/shard-of";

/**
 * @param uuid in lower case; any other text is not found.
 * @returns null when no archive has it (any more).
 * @throws {RequestError} 503 when a shard that may have it cannot be reached. @throws when D1 cannot be reached.
 */
export async function findEvent(env: Env, uuid: string): Promise<FullArchivedEvent | null> {
  if (!/^[0-9a-f-]{36}$/.test(uuid)) return null;
  const owners = ownersOf(uuid, await countShards(env));
  const asked = await Promise.allSettled(
    owners.map(async (shard) => withTimeout<FullArchivedEvent | null>(shardStub(env, shard).find(uuid))),
  );
  for (const result of asked.toReversed())
    if (result.status === "fulfilled" && result.value !== null) return result.value;
  for (const [place, result] of asked.entries()) {
    if (result.status === "fulfilled") continue;
    log("warn", "event shard did not answer", { shard: owners[place], error: String(result.reason) });
    const message = `Event shard ${owners[place]}, which may have the event, did not answer. Try again.`;
    throw unavailable(message, { retryAfterS: 1, cause: result.reason });
  }
  return findInOldArchive(env.DB, uuid);
}
