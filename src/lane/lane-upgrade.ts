/**
 * Bringing an older lane's tables up to the present shape, in bounded steps: one for each wake-up.
 *
 * - 1: day tables have no partial indexes, the record has no frontier.
 * - 2: each day's table has them; what failed is counted on disk at once.
 * - 3: replays have their times, and are listed (`replay-table.ts`); possible repeats are noted by day (`repeat-notes.ts`);
 *   events are indexed (`event-index.ts`, which fills itself); the record has what is gone.
 */
import { schemaVersion } from "./lane-record";
import type { LaneStorage } from "./lane-storage";

/** Makes the indexes of one day's table, newest first; when all have them, the lane has the present version. */
export function upgradeStep(storage: LaneStorage): void {
  if (storage.record.schemaVersion === schemaVersion) return;
  // From now on a wake-up counts the attempts that this version records without a checkpoint.
  storage.checkpoint();
  const day = storage.days.withoutIndexes();
  if (day !== null) storage.days.addIndexes(day);
  if (storage.days.withoutIndexes() === null) storage.checkpoint({ schemaVersion, gone: goneFrom(storage) });
}

/** Earlier versions did not keep how many dead letters were pruned: it is what their counters leave. */
function goneFrom({ record, counters: { finished, delivered, dead } }: LaneStorage): number {
  return record.prunedThrough === 0 ? 0 : Math.max(finished - delivered - dead, 0);
}
