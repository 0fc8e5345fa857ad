/** All event shards, as whoever changes routing calls them. */
import { readConfig } from "../../platform/config";
import { type CommitRecord } from "./change-outcomes";
import { changeRoutingAt, type ShardStub } from "./change-routing";
import { shardStub } from "./shard-of";

/** As `changeRoutingAt`, with the deployment's D1 and all of its shards. */
export function changeRouting<Result>(
  env: Env,
  commit: (record: CommitRecord) => Promise<Result>,
): Promise<Result> {
  return changeRoutingAt({ db: env.DB, shards: allShards(env) }, commit);
}

function allShards(env: Env): ShardStub[] {
  return Array.from({ length: readConfig(env).eventShards }, (_, shard) => () => shardStub(env, shard));
}
