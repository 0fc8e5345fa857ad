/** How many event shards there are, as this isolate knows. */
import { readConfig } from "../platform/config";

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

/** For those who cannot be corrected. One query of D1 for each isolate, at most. @throws when D1 cannot be reached. */
export async function countShards(env: Env): Promise<number> {
  if (known !== null) return known;
  const stored = await env.DB.prepare("SELECT shards FROM routing").first<number>("shards");
  // Before there is any, the first to be made goes by the configuration.
  if (stored === null || stored === 0) return readConfig(env).eventShards;
  known = stored;
  return known;
}
