/**
 * Keeping the archive within its time and its size. Its slots are filled in turn: the next one when the current one is
 * full (a quarter of the size) or old (a third of the time), and a slot is emptied when all of it is past its time, or
 * when its turn comes again.
 */
import { archiveSlots, emptySlot, inEverySlot } from "./archive-slots";

const countedAtOnce = 50_000;
/** What an event takes in D1 beside its text: the other columns and its uuid. */
const overheadBytes = 200;
/** All but one of the slots span the archive's time: the fourth is on its way out. */
const spans = archiveSlots.length - 1;

type Size = { counted_to: number; bytes: number; whole_from: number };
/** The slot that is filled, and the id of the last event before its first. */
type Current = { slot: number; base: number };
/** What is in a slot: its oldest and newest times of acceptance in ms, and the ids of its first and last event. */
type Filled = { slot: number; oldest: number; newest: number; first: number; last: number };

/** What the archive may keep: what is accepted within `keptMs`, and `bytesMax` in all. */
export type ArchiveLimits = { now: number; keptMs: number; bytesMax: number };

/** The archive's reach: it has every event that was accepted from this time (ms) on. */
export async function archiveCompleteSince(db: D1Database): Promise<number> {
  return (await readSize(db)).whole_from;
}

/** @returns how many events were forgotten. */
export async function pruneArchive(db: D1Database, limits: ArchiveLimits): Promise<{ deleted: number }> {
  const { now, keptMs, bytesMax } = limits;
  const filled = await readFilled(db);
  const current = await readCurrent(db);
  let deleted = 0;
  for (const content of filled) {
    if (content.slot === current.slot || content.newest >= now - keptMs) continue;
    deleted += await empty(db, content);
  }
  const filling = filled.find(({ slot }) => slot === current.slot);
  if (filling === undefined) return { deleted };
  const size = await countNew(db, current);
  if (size.bytes > bytesMax / archiveSlots.length || filling.oldest < now - keptMs / spans) {
    deleted += await turn(db, filling);
  }
  return { deleted };
}

/** Goes on to the next slot, emptied, unless something in it still waits to be handed over. */
async function turn(db: D1Database, { slot, last }: Filled): Promise<number> {
  const next = (slot + 1) % archiveSlots.length;
  const content = (await readFilled(db)).find((filled) => filled.slot === next);
  const deleted = content === undefined ? 0 : await empty(db, content);
  if (content !== undefined && deleted === 0) return 0;
  // What is published in between still goes to the old slot: its ids come before the base, too.
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

/** @returns how many events were forgotten: none while one of them waits to be handed over. */
async function empty(db: D1Database, { slot, newest, first, last }: Filled): Promise<number> {
  const waits = await db
    .prepare("SELECT 1 FROM handovers WHERE event_id BETWEEN ? AND ? LIMIT 1")
    .bind(first, last)
    .first();
  if (waits !== null) return 0;
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

async function readFilled(db: D1Database): Promise<Filled[]> {
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
    .all<Filled>();
  return results;
}

async function readCurrent(db: D1Database): Promise<Current> {
  const current = await db.prepare("SELECT slot, base FROM archive_slot WHERE id = 1").first<Current>();
  if (current === null) throw new Error("D1 does not say which slot of the archive is filled.");
  return current;
}

async function readSize(db: D1Database): Promise<Size> {
  const row = await db.prepare("SELECT counted_to, bytes, whole_from FROM archive_size").first<Size>();
  return row ?? { counted_to: 0, bytes: 0, whole_from: 0 };
}

/** Adds up what came into the current slot since the last time. */
async function countNew(db: D1Database, { slot }: Current): Promise<Size> {
  const stored = await readSize(db);
  const added = await db
    .prepare(
      `SELECT max(id) AS last, sum(octet_length(events) + (last - id + 1) * ${overheadBytes}) AS bytes
       FROM (SELECT id, last, events FROM archive_${slot} WHERE id > ? ORDER BY id LIMIT ${countedAtOnce})`,
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
