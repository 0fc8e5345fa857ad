/** Stops replays. */
import type { LaneStorage } from "./lane-storage";
import type { ReplayProgress } from "./replay-progress";

/** The result. `isNew`: whether the replay was running until now. */
export type ReplayStopped = { progress: ReplayProgress; isNew: boolean };

/**
 * Stops a replay. Its deliveries that have not been sent are not sent, and an attempt under way is recorded like any
 * other. Must run in a transaction.
 * @param underWay the sequence number of the replayed delivery that is being sent, or null.
 * @returns null when the replay does not exist, or is no longer kept.
 */
export function stopReplay(storage: LaneStorage, id: string, underWay: number | null): ReplayStopped | null {
  const { replays, outbox, record } = storage;
  const unsent = replays.stop(id, Date.now());
  if (unsent?.kind === "missing") {
    // These deliveries were accepted only for this replay. Without them, another replay finds their events missing
    // again.
    const { removed, dead } = outbox.dropUnsent(unsent, underWay);
    storage.counting.adjust({ finished: removed + dead, dead });
    storage.checkpoint({
      gone: record.gone + removed,
      sequenceBase: outbox.lastSequence,
      copiedToD1: record.copiedToD1 && dead === 0,
    });
  } else if (unsent !== null) storage.checkpoint();
  const progress = replays.progress(id);
  return progress && { progress, isNew: unsent !== null };
}
