/** Raising the number of event shards to the one that the configuration wants, for cron. */
import { readConfig } from "../platform/config";
import { awaitAll } from "../platform/concurrency";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";
import type { JoinState } from "./shard/growth";
import { shardStub } from "./shard/shard-of";

/** How long a new shard may take to copy a part of what it needs. */
const prepareMs = 30_000;

/** Whether this isolate has said that there are more shards than wanted. */
let hasWarned = false;

/**
 * Takes the next steps, all of which may be repeated, by several runs at once: D1 notes the number, so that changes of routing are
 * announced to the new shards, too; these copy the uuids of their events; shard 0 decides; they join; and D1 notes that it is
 * done. A growth that has begun is finished, whatever the configuration says by then. The number never falls.
 * @throws when D1 or a shard cannot be reached: the next run goes on.
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

/** @returns the growth that is under way, or begins; null when there is none. */
async function beginGrowth(env: Env): Promise<{ from: number; to: number } | null> {
  const row = await env.DB.prepare("SELECT shards, shards_next FROM routing").first<{
    shards: number;
    shards_next: number | null;
  }>();
  // Before there is any shard, the first to be made notes how many there are.
  if (row === null || row.shards === 0) return null;
  const decided = (await withTimeout<number | null>(shardStub(env, 0).shardCount())) ?? 0;
  if (decided > Math.max(row.shards, row.shards_next ?? 0)) {
    // D1 was restored from a backup of before.
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
