/**
 * Upgrades the tables of older lanes to the current schema version, in bounded steps, one per wake-up. The versions:
 *
 * - 1: day tables have no partial indexes, the record has no frontier.
 * - 2: each day's table has them; failures are counted on disk at once.
 * - 3: replays have their times, and are listed (`replay-table.ts`); possible repeats are noted by day
 *   (`repeat-notes.ts`); events are indexed (`event-index.ts`, which fills itself); the record has `gone`.
 */
import { schemaVersion } from "./lane-record";
import type { LaneStorage } from "./lane-storage";

/**
 * Creates the indexes of one day's table, newest first. When all tables have them, the lane has the current version.
 */
export function upgradeStep(storage: LaneStorage): void {
  if (storage.record.schemaVersion === schemaVersion) return;
  // The checkpoint makes later wake-ups count the attempts that this version records without a checkpoint.
  storage.checkpoint();
  const day = storage.days.withoutIndexes();
  if (day !== null) storage.days.addIndexes(day);
  if (storage.days.withoutIndexes() === null) storage.checkpoint({ schemaVersion, gone: goneFrom(storage) });
}

/**
 * @returns how many dead letters were pruned. Earlier versions did not store it, so that it is computed from their
 *   counters.
 */
function goneFrom({ record, counters: { finished, delivered, dead } }: LaneStorage): number {
  return record.prunedThrough === 0 ? 0 : Math.max(finished - delivered - dead, 0);
}
