/** Keeping the archive within its time and its size, oldest first, in small steps. */

const deletedAtOnce = 1000;
/** A run of cron ends after so many steps; the next one goes on. */
const stepsMax = 20;
const countedAtOnce = 50_000;
/** What an event takes in D1 beside its text: the other columns and the index. */
const overheadBytes = 300;

type Size = { counted_to: number; bytes: number; whole_from: number };

/** The archive's reach: it has every event that was accepted from this time (ms) on. */
export async function archiveWholeFrom(db: D1Database): Promise<number> {
  return (await readSize(db)).whole_from;
}

/** @param limits `before`: events accepted before this time (ms) go. `bytesMax`: what may stay. */
export async function pruneArchive(
  db: D1Database,
  limits: { before: number; bytesMax: number },
): Promise<{ deleted: number }> {
  const stored = await readSize(db);
  const size = await countNew(db, stored);
  let deleted = 0;
  for (let step = 0; step < stepsMax; step += 1) {
    const isTooLarge = size.bytes > limits.bytesMax;
    const freed = await deleteOldest(db, isTooLarge ? Number.MAX_SAFE_INTEGER : limits.before);
    deleted += freed.events;
    size.bytes = Math.max(size.bytes - freed.bytes, 0);
    size.whole_from = Math.max(size.whole_from, freed.newest + 1);
    if (freed.events === 0) break;
  }
  if (deleted > 0 || size.counted_to !== stored.counted_to) await writeSize(db, size);
  return { deleted };
}

async function readSize(db: D1Database): Promise<Size> {
  const row = await db.prepare("SELECT counted_to, bytes, whole_from FROM archive_size").first<Size>();
  return row ?? { counted_to: 0, bytes: 0, whole_from: 0 };
}

async function writeSize(db: D1Database, size: Size): Promise<void> {
  await db
    .prepare(
      `INSERT INTO archive_size VALUES (1, ?1, ?2, ?3) ON CONFLICT (id) DO UPDATE
       SET counted_to = excluded.counted_to, bytes = excluded.bytes, whole_from = excluded.whole_from`,
    )
    .bind(size.counted_to, size.bytes, size.whole_from)
    .run();
}

async function countNew(db: D1Database, { counted_to, bytes, whole_from }: Size): Promise<Size> {
  const added = await db
    .prepare(
      `SELECT max(id) AS last, sum(octet_length(body) + ${overheadBytes}) AS bytes
       FROM (SELECT id, body FROM events WHERE id > ? ORDER BY id LIMIT ${countedAtOnce})`,
    )
    .bind(counted_to)
    .first<{ last: number | null; bytes: number | null }>();
  return { counted_to: added?.last ?? counted_to, bytes: bytes + (added?.bytes ?? 0), whole_from };
}

/** What waits to be handed over stays, and so does the newest event: were the table empty, ids would begin anew. */
async function deleteOldest(
  db: D1Database,
  before: number,
): Promise<{ events: number; bytes: number; newest: number }> {
  const { results } = await db
    .prepare(
      `DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT ${deletedAtOnce})
         AND accepted_at < ? AND id NOT IN (SELECT event_id FROM handovers)
         AND id < (SELECT max(id) FROM events)
       RETURNING octet_length(body) + ${overheadBytes} AS bytes, accepted_at`,
    )
    .bind(before)
    .all<{ bytes: number; accepted_at: number }>();
  return {
    events: results.length,
    bytes: results.reduce((sum, row) => sum + row.bytes, 0),
    newest: results.reduce((newest, row) => Math.max(newest, row.accepted_at), 0),
  };
}
