/** All event shards, as whoever changes routing calls them. */
import { readConfig } from "../../platform/config";
import { log } from "../../platform/log";
import { withTimeout } from "../../platform/timeouts";
import { shardsBelieved } from "../shard-count";
import { type CommitRecord } from "./change-outcomes";
import { changeRoutingAt, type CommitOptions } from "./change-routing";
import { shardStub } from "./shard-of";

/** As `changeRoutingAt`, with the deployment's D1 and all of its shards. */
export function changeRouting<Result>(
  env: Env,
  commit: (record: CommitRecord) => Promise<Result>,
  options?: CommitOptions,
): Promise<Result> {
  return changeRoutingAt(
    {
      db: env.DB,
      shardsWanted: readConfig(env).eventShards,
      shardsOf: (count) => Array.from({ length: count }, (_, shard) => () => shardStub(env, shard)),
    },
    commit,
    options,
  );
}

/**
 * Has all event shards read what they lack of routing, for a change that was not announced to them. May be repeated. What fails
 * is logged.
 */
export async function refreshRouting(env: Env): Promise<void> {
  const shards = Array.from({ length: shardsBelieved(env) }, async (_, shard) =>
    withTimeout(shardStub(env, shard).refreshRouting()),
  );
  for (const result of await Promise.allSettled(shards))
    if (result.status === "rejected") log("warn", "routing not refreshed", { error: String(result.reason) });
}
