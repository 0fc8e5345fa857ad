/** Ending a replay before all of it was sent. */
import type { LaneStorage } from "./lane-storage";
import type { ReplayProgress } from "./replay-progress";

/** `isNew`: it was running until now. */
export type ReplayStopped = { progress: ReplayProgress; isNew: boolean };

/**
 * Stops a replay: what it has not sent is not sent, and an attempt that is under way is recorded as any other. To be run as
 * one transaction.
 * @param underWay the delivery of the replays that is being sent, or null.
 * @returns null when there is no such replay (any more).
 */
export function stopReplay(storage: LaneStorage, id: string, underWay: number | null): ReplayStopped | null {
  const { replays, outbox, record } = storage;
  const unsent = replays.stop(id, Date.now());
  if (unsent?.kind === "missing") {
    // They were accepted only to be sent by this replay: another one finds them missing again.
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
