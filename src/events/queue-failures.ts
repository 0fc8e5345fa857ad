/**
 * The table `queue_failures`: why the latest attempt at a queue message failed. Messages in a dead-letter queue do not
 * contain the reason.
 */

/** The reason of a failure. `key`: see `messageKey`. */
export type QueueFailure = { key: string; reason: string };

/** Stores failures. They replace earlier ones of the same messages. @param now in ms. */
export async function writeFailures(db: D1Database, failures: QueueFailure[], now: number): Promise<void> {
  await db
    .prepare(
      `INSERT INTO queue_failures (key, reason, failed_at)
       SELECT value->>'key', value->>'reason', ?2 FROM json_each(?1) WHERE true
       ON CONFLICT (key) DO UPDATE SET reason = excluded.reason, failed_at = excluded.failed_at`,
    )
    .bind(JSON.stringify(failures), now)
    .run();
}

/** @returns the stored reasons, by key. */
export async function readFailures(db: D1Database, keys: string[]): Promise<Map<string, string>> {
  const { results } = await db
    .prepare("SELECT key, reason FROM queue_failures WHERE key IN (SELECT value FROM json_each(?))")
    .bind(JSON.stringify(keys))
    .all<QueueFailure>();
  return new Map(results.map(({ key, reason }) => [key, reason]));
}

/** Removes the failures of these messages. */
export async function removeFailures(db: D1Database, keys: string[]): Promise<void> {
  await db
    .prepare("DELETE FROM queue_failures WHERE key IN (SELECT value FROM json_each(?))")
    .bind(JSON.stringify(keys))
    .run();
}

/** Removes failures from before `before` (ms), whose messages were neither settled nor given up. */
export async function pruneFailures(db: D1Database, before: number): Promise<void> {
  await db.prepare("DELETE FROM queue_failures WHERE failed_at < ?").bind(before).run();
}
