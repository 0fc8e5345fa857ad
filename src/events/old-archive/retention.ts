/**
 * The old archive's retention: a slot is emptied when all of its events are past the retention time. As no events are
 * added, its size needs no limit.
 */
import { emptySlot, inEverySlot } from "./slots";

/** The contents of a slot: its newest time of acceptance in ms. */
type SlotContents = { slot: number; newest: number };

/**
 * @returns the time (ms) since which the old archive has every event that was accepted; 0 when nothing was pruned yet.
 */
export async function oldCompleteSince(db: D1Database): Promise<number> {
  return (await db.prepare("SELECT whole_from FROM archive_size").first<number>("whole_from")) ?? 0;
}

/** Empties slots that are past the retention time. @returns how many events were removed. */
export async function pruneOldArchive(
  db: D1Database,
  { now, keptMs }: { now: number; keptMs: number },
): Promise<{ deleted: number }> {
  let deleted = 0;
  for (const { slot, newest } of await readSlots(db)) {
    if (newest < now - keptMs) deleted += await emptyContents(db, { slot, newest });
  }
  return { deleted };
}

async function emptyContents(db: D1Database, { slot, newest }: SlotContents): Promise<number> {
  const [counted] = await db.batch<{ events: number }>([
    db.prepare(`SELECT sum(last - id + 1) AS events FROM archive_${slot}`),
    ...emptySlot(db, slot),
    db
      .prepare(
        `INSERT INTO archive_size VALUES (1, 0, 0, ?1)
         ON CONFLICT (id) DO UPDATE SET whole_from = max(whole_from, excluded.whole_from)`,
      )
      .bind(newest + 1),
  ]);
  return counted?.results[0]?.events ?? 0;
}

/** @returns the contents of every slot that is not empty. */
async function readSlots(db: D1Database): Promise<SlotContents[]> {
  const { results } = await db
    .prepare(
      inEverySlot(
        (slot) => `SELECT * FROM (
          SELECT ${slot} AS slot, accepted_at AS newest FROM archive_${slot} ORDER BY id DESC LIMIT 1
        )`,
      ),
    )
    .all<SlotContents>();
  return results;
}
