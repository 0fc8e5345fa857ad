/**
 * The archive's retention by time and size. Its slots are filled in rotation: the next slot becomes the current one when
 * the current one is full (a quarter of the maximum size) or old (a third of the retention time). A slot is emptied when
 * all of its events are past the retention time, or when it becomes the current one again.
 */
import { archiveSlots, emptySlot, inEverySlot } from "./archive-slots";

/** The most rows whose size one run of cron adds up. */
const countedPerRun = 50_000;
/** What an event takes in D1 besides its text: the other columns and its uuid's index entry. */
const overheadBytes = 200;
/** How many slots cover the retention time. The fourth has events that are about to expire. */
const slotsPerRetention = archiveSlots.length - 1;

type Size = { counted_to: number; bytes: number; whole_from: number };
/** The current slot, and the id of the last event before its first one. */
type CurrentSlot = { slot: number; base: number };
/** The contents of a slot: its oldest and newest times of acceptance in ms, and the ids of its first and last event. */
type SlotContents = { slot: number; oldest: number; newest: number; first: number; last: number };

/** The limits of the archive: events are kept for `keptMs`, up to `bytesMax` in all. `now` in ms. */
export type ArchiveLimits = { now: number; keptMs: number; bytesMax: number };

/** @returns the time (ms) since which the archive has every accepted event; 0 when nothing was pruned yet. */
export async function archiveCompleteSince(db: D1Database): Promise<number> {
  return (await readSize(db)).whole_from;
}

/**
 * Empties slots that are past the retention time, and goes on to the next slot when the current one is full or old.
 * @returns `deleted`: how many events were removed. Slots with events that are not handed over yet are kept.
 */
export async function pruneArchive(db: D1Database, limits: ArchiveLimits): Promise<{ deleted: number }> {
  const { now, keptMs, bytesMax } = limits;
  const slots = await readSlots(db);
  const current = await readCurrentSlot(db);
  let deleted = 0;
  for (const contents of slots) {
    if (contents.slot === current.slot || contents.newest >= now - keptMs) continue;
    deleted += await deleteContents(db, contents);
  }
  const filling = slots.find(({ slot }) => slot === current.slot);
  if (filling === undefined) return { deleted };
  const size = await updateSize(db, current);
  if (size.bytes > bytesMax / archiveSlots.length || filling.oldest < now - keptMs / slotsPerRetention) {
    deleted += await rotate(db, filling);
  }
  return { deleted };
}

/** Empties the next slot and makes it the current one. Does nothing while the next slot has pending hand-overs. */
async function rotate(db: D1Database, { slot, last }: SlotContents): Promise<number> {
  const next = (slot + 1) % archiveSlots.length;
  const contents = (await readSlots(db)).find((candidate) => candidate.slot === next);
  const deleted = contents === undefined ? 0 : await deleteContents(db, contents);
  if (contents !== undefined && deleted === 0) return 0;
  // Events that were published since `last` was read are still in the old slot: the base must be above their ids as well.
  await db.batch([
    db
      .prepare(
        `UPDATE archive_slot SET slot = ?1, base = max(?2, (SELECT max(last) FROM archive_${slot})) WHERE id = 1`,
      )
      .bind(next, last),
    db.prepare("UPDATE archive_size SET counted_to = 0, bytes = 0"),
  ]);
  return deleted;
}

/** @returns how many events were deleted: 0 while any of them has a pending hand-over. */
async function deleteContents(db: D1Database, { slot, newest, first, last }: SlotContents): Promise<number> {
  const pending = await db
    .prepare("SELECT 1 FROM handovers WHERE event_id BETWEEN ? AND ? LIMIT 1")
    .bind(first, last)
    .first();
  if (pending !== null) return 0;
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
        (
          slot,
        ) => `SELECT ${slot} AS slot, f.accepted_at AS oldest, l.accepted_at AS newest, f.id AS first, l.last
          FROM (SELECT * FROM archive_${slot} ORDER BY id LIMIT 1) f
          CROSS JOIN (SELECT * FROM archive_${slot} ORDER BY id DESC LIMIT 1) l`,
      ),
    )
    .all<SlotContents>();
  return results;
}

async function readCurrentSlot(db: D1Database): Promise<CurrentSlot> {
  const current = await db.prepare("SELECT slot, base FROM archive_slot WHERE id = 1").first<CurrentSlot>();
  if (current === null) throw new Error("The table archive_slot has no row.");
  return current;
}

async function readSize(db: D1Database): Promise<Size> {
  const row = await db.prepare("SELECT counted_to, bytes, whole_from FROM archive_size").first<Size>();
  return row ?? { counted_to: 0, bytes: 0, whole_from: 0 };
}

/** Adds the size of the current slot's new rows to the stored size. @returns the new size. */
async function updateSize(db: D1Database, { slot }: CurrentSlot): Promise<Size> {
  const stored = await readSize(db);
  const added = await db
    .prepare(
      `SELECT max(id) AS last, sum(octet_length(events) + (last - id + 1) * ${overheadBytes}) AS bytes
       FROM (SELECT id, last, events FROM archive_${slot} WHERE id > ? ORDER BY id LIMIT ${countedPerRun})`,
    )
    .bind(stored.counted_to)
    .first<{ last: number | null; bytes: number | null }>();
  if (added === null || added.last === null) return stored;
  const size = { ...stored, counted_to: added.last, bytes: stored.bytes + (added.bytes ?? 0) };
  await db
    .prepare(
      `INSERT INTO archive_size VALUES (1, ?1, ?2, ?3) ON CONFLICT (id) DO UPDATE
       SET counted_to = excluded.counted_to, bytes = excluded.bytes`,
    )
    .bind(size.counted_to, size.bytes, size.whole_from)
    .run();
  return size;
}
