/**
 * What became of announced changes of routing: the table `routing_changes` in D1. A change's own batch writes that it is
 * committed; whoever gives it up writes that it is void. Whichever comes first makes the other one fail.
 */
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { routingChanges } from "../../db/schema";

/** A statement for the batch of a change. It fails, and the batch with it, when the change is void. */
export type CommitRecord = ReturnType<typeof commitRecord>;

/** @param id of the announced change. @param at now, in ms. */
export function commitRecord(id: string, at: number) {
  return {
    /** For a batch of D1's. */
    statement: (db: D1Database) =>
      db.prepare("INSERT INTO routing_changes (id, at, is_committed) VALUES (?, ?, 1)").bind(id, at),
    /** For a batch of drizzle's. */
    insert: (db: DrizzleD1Database) => db.insert(routingChanges).values({ id, at, isCommitted: true }),
  };
}

/** Makes changes void that are not committed. @param now in ms. @returns the ids of those that are committed. */
export async function voidChanges(db: D1Database, ids: readonly string[], now: number): Promise<string[]> {
  const list = JSON.stringify(ids);
  const [, committed] = await db.batch<{ id: string }>([
    db
      .prepare(
        `INSERT INTO routing_changes (id, at, is_committed) SELECT value, ?2, 0 FROM json_each(?1) WHERE true
         ON CONFLICT DO NOTHING`,
      )
      .bind(list, now),
    db
      .prepare(
        "SELECT id FROM routing_changes WHERE is_committed = 1 AND id IN (SELECT value FROM json_each(?))",
      )
      .bind(list),
  ]);
  return (committed?.results ?? []).map(({ id }) => id);
}

/** No batch is under way for so long, and no shard takes so long to ask. */
const keptMs = 7 * 86_400_000;
const prunedAtOnce = 10_000;

/** Forgets what became of changes more than a week ago, but for the latest one, for cron. @param now in ms. */
export async function pruneChanges(db: D1Database, now: number): Promise<void> {
  await db
    .prepare(
      `DELETE FROM routing_changes WHERE id IN (
         SELECT id FROM routing_changes WHERE at < ? AND rowid < (SELECT max(rowid) FROM routing_changes WHERE is_committed = 1)
         ORDER BY at LIMIT ${prunedAtOnce}
       )`,
    )
    .bind(now - keptMs)
    .run();
}
