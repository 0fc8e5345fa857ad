/** All event shards, as whoever changes routing calls them. */
import { readConfig } from "../../platform/config";
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
