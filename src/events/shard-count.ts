/** The number of event shards that this isolate knows. */
import { readConfig } from "../platform/config";
import { log } from "../platform/log";
import { repeatTransient } from "../platform/repeat-transient";
import { withTimeout } from "../platform/timeouts";
import { shardsAnnouncedTo } from "./shard/change-outcomes";
import { shardStub } from "./shard/shard-of";

/** The timeout of shard 0, after which D1 is read. */
const countMs = 2000;

/** Null until a shard or D1 has returned it. */
let known: number | null = null;

/** The number to try first: if it is wrong, the shard rejects the call and returns the right one. */
export function shardsBelieved(env: Env): number {
  return known ?? readConfig(env).eventShards;
}

/** Stores the number that a shard returned, or confirmed. The next publish then does not read the configuration. */
export function noteShards(shards: number): void {
  known = shards;
}

/**
 * Reads the current number, for callers that no shard corrects: from shard 0, which decides it, or from D1 if shard 0
 * cannot be reached. The number in D1 may include new shards that have no event yet.
 * @throws when both cannot be reached.
 */
export async function countShards(env: Env): Promise<number> {
  const decided = await decidedShards(env);
  if (decided !== null) {
    known = decided;
    return decided;
  }
  const stored = await withTimeout(
    repeatTransient(() =>
      env.DB.prepare(`SELECT ${shardsAnnouncedTo} AS shards FROM routing`).first<number>("shards"),
    ),
  );
  // Before the first shard exists, the configuration decides.
  return stored === null || stored === 0 ? readConfig(env).eventShards : stored;
}

async function decidedShards(env: Env): Promise<number | null> {
  try {
    return await withTimeout<number | null>(shardStub(env, 0).shardCount(), countMs);
  } catch (error) {
    log("warn", "event shard did not answer", { shard: 0, error: String(error) });
    return null;
  }
}
