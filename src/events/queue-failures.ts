/** The table `queue_failures`: why the latest try of a queue message failed. A dead-letter queue brings no reason along. */

/** `key`: see `messageKey`. */
export type QueueFailure = { key: string; reason: string };

/** Writes failures down, over those that are known of the same messages. @param now in ms. */
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

/** The reasons that are known, by key. */
export async function readFailures(db: D1Database, keys: string[]): Promise<Map<string, string>> {
  const { results } = await db
    .prepare("SELECT key, reason FROM queue_failures WHERE key IN (SELECT value FROM json_each(?))")
    .bind(JSON.stringify(keys))
    .all<QueueFailure>();
  return new Map(results.map(({ key, reason }) => [key, reason]));
}

export async function removeFailures(db: D1Database, keys: string[]): Promise<void> {
  await db
    .prepare("DELETE FROM queue_failures WHERE key IN (SELECT value FROM json_each(?))")
    .bind(JSON.stringify(keys))
    .run();
}

/** Removes what nobody came back for. @param before in ms. */
export async function pruneFailures(db: D1Database, before: number): Promise<void> {
  await db.prepare("DELETE FROM queue_failures WHERE failed_at < ?").bind(before).run();
}
