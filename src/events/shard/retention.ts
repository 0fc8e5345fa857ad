/** What a shard forgets, and when: whole tables, so that no row is written for an event that goes. */
import { type EventTable, endOf } from "./event-tables";
import type { ShardRecord } from "./shard-record";
import type { ShardStore } from "./shard-store";

/** What a shard may keep: what is accepted within `keptMs`; texts of `textBytesMax` in all, and `uuidsMax` uuids. */
export type ShardLimits = { now: number; keptMs: number; textBytesMax: number; uuidsMax: number };

/** Texts go in parts of this share of what may be kept, or of a day if that is less. */
const parts = 8;

/** What was forgotten: events with all that was known of them, and texts of events whose uuids are still known. */
export type Pruned = { events: number; texts: number };

/**
 * @returns the number of shards among which the space for texts is divided. After the number of shards has risen, it is the
 *   previous number until all events of before are past their time, because their texts stay in their shards.
 */
export function textShards(
  { shards, grown }: Pick<ShardRecord, "shards" | "grown">,
  { now, keptMs }: Pick<ShardLimits, "now" | "keptMs">,
): number {
  return grown !== null && now < grown.at + keptMs ? grown.textShards : (shards ?? 1);
}

/** Forgets what is past its time or beyond the shard's size. To be run as one transaction; the table of today stays. */
export function prune(store: ShardStore, { now, keptMs, textBytesMax, uuidsMax }: ShardLimits): Pruned {
  const { tables, seen, inherited, record } = store;
  const uuids = (): number => tables.lastId - record.get().forgottenThrough + record.get().inherited.count;
  inherited.forget(now, { keptMs, all: uuids() > uuidsMax });
  const pruned = { events: 0, texts: 0 };
  for (let [table] = tables.all; table !== undefined; [table] = tables.all) {
    const isOver = now >= endOf(table) + keptMs;
    const isBeyond = uuids() > uuidsMax && tables.all.length > 1;
    if (!isOver && !isBeyond) break;
    pruned.events += forget(store, table);
  }
  for (const table of tables.readable) {
    const bytes = tables.readable.reduce((sum, one) => sum + one.bytes, 0);
    if (bytes <= textBytesMax || tables.readable.length === 1) break;
    // The uuids of events that are not packed yet are only in their rows.
    if (record.get().sealedThrough < tables.lastIdOf(table)) seen.seal();
    noteIncomplete(store, table);
    pruned.texts += tables.lastIdOf(table) - table.firstId + 1;
    tables.dropTexts(table);
  }
  const last = tables.readable.at(-1);
  if (last !== undefined && last.bytes > textBytesMax / parts) tables.begin(tables.timeOf(now));
  return pruned;
}

/** @returns how many events there were. */
function forget(store: ShardStore, table: EventTable): number {
  const { tables, record } = store;
  const lastId = tables.lastIdOf(table);
  if (table.hasTexts) noteIncomplete(store, table);
  // Of a table without texts, only the day is known.
  const newestAt = (table.hasTexts ? tables.newestAt(table) : null) ?? endOf(table) - 1;
  const knownSince = Math.max(record.get().knownSince, newestAt + 1);
  record.set({
    knownSince,
    forgottenThrough: lastId,
    sealedThrough: Math.max(record.get().sealedThrough, lastId),
  });
  tables.forget(table);
  return lastId - table.firstId + 1;
}

/** To be called before a table's texts go. */
function noteIncomplete({ tables, record }: ShardStore, table: EventTable): void {
  const newestAt = tables.newestAt(table);
  if (newestAt === null) return;
  record.set({ completeSince: Math.max(record.get().completeSince, newestAt + 1) });
}
