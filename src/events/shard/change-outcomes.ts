/**
 * What became of announced changes of routing: the table `routing_changes` in D1. A change's own batch writes that it is
 * committed; whoever gives it up writes that it is void. Whichever comes first makes the other one fail.
 */
import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import { routingChanges } from "../../db/schema";

/** A statement for the batch of a change. It fails, and the batch with it, when the change is void. */
export type CommitRecord = ReturnType<typeof commitRecord>;

/**
 * @param id of the announced change. @param options.at now, in ms. @param options.announcedTo how many event shards have it. When
 * there are to be more by now, the statement fails: NULL is no value of `is_committed`.
 */
export function commitRecord(id: string, { at, announcedTo }: { at: number; announcedTo: number }) {
  return {
    /** For a batch of D1's. */
    statement: (db: D1Database) =>
      db
        .prepare(
          `INSERT INTO routing_changes (id, at, is_committed)
           VALUES (?1, ?2, (SELECT 1 FROM routing WHERE ${shardsAnnouncedTo} <= ?3))`,
        )
        .bind(id, at, announcedTo),
    /** For a batch of drizzle's. */
    insert: (db: DrizzleD1Database) =>
      db.insert(routingChanges).values({
        id,
        at,
        isCommitted: sql`(SELECT 1 FROM routing WHERE ${sql.raw(shardsAnnouncedTo)} <= ${announcedTo})`,
      }),
  };
}

/** Of the table `routing`: how many event shards have to be told of a change. */
export const shardsAnnouncedTo = "max(shards, coalesce(shards_next, 0))";

/** Whether a batch failed because its change was not announced to all event shards. */
export function isUnannounced(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (/NOT NULL constraint failed: routing_changes\.is_committed/.test(cause.message)) return true;
  return false;
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
