/** How far back repeats of an event are recognised. */
import { unavailable } from "../platform/errors";
import { withTimeout } from "../platform/timeouts";
import { noteShards, shardsBelieved } from "./shard-count";
import { shardOf, shardStub } from "./shard/shard-of";

/** How often the number of shards may differ from the expected one. */
const triesMax = 3;

/**
 * The time (ms) since which the shard of an event knows all uuids that it accepted.
 * @throws {RequestError} 503 when it cannot be reached.
 */
export async function knownSince(env: Env, uuid: string): Promise<number> {
  try {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const believed = shardsBelieved(env);
      const stub = shardStub(env, shardOf(uuid, believed));
      const since = await withTimeout<number | { shards: number }>(stub.knownSince(believed));
      if (typeof since === "number") return since;
      noteShards(since.shards);
    }
    throw new Error("The number of event shards is changing.");
  } catch (cause) {
    throw unavailable("It cannot be told whether the event was published before. Publish again.", {
      retryAfterS: 1,
      cause,
    });
  }
}
