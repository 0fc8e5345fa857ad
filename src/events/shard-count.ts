/** How many event shards there are, as this isolate knows. */
import { readConfig } from "../platform/config";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";
import { shardsAnnouncedTo } from "./shard/change-outcomes";
import { shardStub } from "./shard/shard-of";

/** How long shard 0 may take to say so, before D1 is asked. */
const countMs = 2000;

/** Null until a shard or D1 has said so. */
let known: number | null = null;

/** What to believe first: a shard that knows better refuses the call, and says so. */
export function shardsBelieved(env: Env): number {
  return known ?? readConfig(env).eventShards;
}

/** Notes what a shard said. */
export function noteShards(shards: number): void {
  known = shards;
}

/**
 * How many there are now, for those who cannot be corrected: shard 0 decides it, so that it is asked. Where it cannot be reached, D1
 * is: it may be asked for shards that have no event yet.
 * @throws when both cannot be reached.
 */
export async function countShards(env: Env): Promise<number> {
  const decided = await decidedShards(env);
  if (decided !== null) {
    known = decided;
    return decided;
  }
  const stored = await withTimeout(
    env.DB.prepare(`SELECT ${shardsAnnouncedTo} AS shards FROM routing`).first<number>("shards"),
  );
  // Before there is any, the first to be made goes by the configuration.
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
