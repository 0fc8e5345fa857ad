/** How far back repeats of an event are recognised. */
import { unavailable } from "../platform/errors";
import { withTimeout } from "../platform/timeouts";
import { shardsBelieved } from "./shard-count";
import { shardOf, shardStub } from "./shard/shard-of";

/**
 * Since when (ms) the shard of an event knows all events that it accepted.
 * @throws {RequestError} 503 when it cannot be reached.
 */
export async function knownSince(env: Env, uuid: string): Promise<number> {
  try {
    const shard = shardOf(uuid, shardsBelieved(env));
    return await withTimeout<number>(shardStub(env, shard).knownSince());
  } catch (cause) {
    throw unavailable("It cannot be told whether the event was published before. Publish again.", {
      retryAfterS: 1,
      cause,
    });
  }
}
