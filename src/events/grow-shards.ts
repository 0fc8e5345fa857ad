/** Raises the number of event shards to `EVENT_SHARDS`. Cron calls it. */
import { readConfig } from "../platform/config";
import { awaitAll } from "../platform/concurrency";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";
import type { JoinState } from "./shard/growth";
import { shardStub } from "./shard/shard-of";

/** The timeout of a call of a new shard, which copies a part of the uuids. */
const prepareMs = 30_000;

/** Whether this isolate has logged that `EVENT_SHARDS` is ignored. */
let hasWarned = false;

/**
 * Takes the next steps of a growth: (1) D1 stores the new number, so that changes of routing are announced to the new
 * shards, too; (2) the new shards copy the uuids of their events; (3) shard 0 stores the number; (4) the new shards join;
 * (5) D1 marks the growth as done. Each step can be repeated, also by concurrent runs. A growth that has begun is finished
 * even if the setting changes. The number never decreases.
 * @throws when D1 or a shard cannot be reached. The next run continues.
 */
export async function growShards(env: Env): Promise<void> {
  const growth = await beginGrowth(env);
  if (growth === null) return;
  const states = await prepareAll(env, growth);
  if (states.includes("copying")) return;
  await withTimeout(shardStub(env, 0).decideShards(growth.to));
  await prepareAll(env, growth);
  await env.DB.prepare("UPDATE routing SET shards = ?1, shards_next = NULL WHERE shards_next = ?1")
    .bind(growth.to)
    .run();
  log("info", "event shards grew", growth);
}

/** @returns the current growth, which begins if necessary; null when there is none. */
async function beginGrowth(env: Env): Promise<{ from: number; to: number } | null> {
  const row = await env.DB.prepare("SELECT shards, shards_next FROM routing").first<{
    shards: number;
    shards_next: number | null;
  }>();
  // The first shard that is created stores the number.
  if (row === null || row.shards === 0) return null;
  const decided = (await withTimeout<number | null>(shardStub(env, 0).shardCount())) ?? 0;
  if (decided > Math.max(row.shards, row.shards_next ?? 0)) {
    // D1 was restored from a backup that is older than the growth.
    await env.DB.prepare("UPDATE routing SET shards = ?1, shards_next = NULL WHERE shards < ?1")
      .bind(decided)
      .run();
    log("warn", "D1 knew of fewer event shards than there are", { decided, ...row });
    return null;
  }
  const { eventShards } = readConfig(env);
  if (row.shards_next !== null) return { from: row.shards, to: row.shards_next };
  if (eventShards < row.shards && !hasWarned) {
    log("warn", "EVENT_SHARDS is ignored: event shards do not become fewer", {
      shards: row.shards,
      eventShards,
    });
    hasWarned = true;
  }
  if (eventShards <= row.shards) return null;
  const to = await env.DB.prepare(
    "UPDATE routing SET shards_next = coalesce(shards_next, ?2) WHERE shards = ?1 RETURNING shards_next",
  )
    .bind(row.shards, eventShards)
    .first<number>("shards_next");
  return to === null ? null : { from: row.shards, to };
}

function prepareAll(env: Env, growth: { from: number; to: number }): Promise<JoinState[]> {
  const { from, to } = growth;
  return awaitAll(
    Array.from({ length: to - from }, async (_, place) =>
      withTimeout<JoinState>(shardStub(env, from + place).prepare(growth), prepareMs),
    ),
  );
}
