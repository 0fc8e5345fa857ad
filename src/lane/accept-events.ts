/** Accepting events into a lane. */
import type { HandoverEvent } from "./handover";
import { backlogMax, disable, storageBytesMax } from "./lane-health";
import type { LaneStorage } from "./lane-storage";
import type { PendingDelivery } from "./pending-deliveries";

/**
 * Writes events down as deliveries that wait, all of them or none. Disables the webhook when its backlog reaches its bound.
 * @returns of each event, whether it was new to the lane.
 * @throws when storage takes no writes: then nothing was accepted.
 */
export function acceptEvents(
  disk: DurableObjectStorage,
  storage: LaneStorage,
  { events, now }: { events: readonly HandoverEvent[]; now: number },
): boolean[] {
  const before = storage.outbox.lastSequence;
  const accepted = insertAll(disk, storage, { events, now });
  const fresh = accepted.filter((delivery) => delivery !== null);
  if (fresh.length > 0) {
    storage.search.addAccepted(fresh, { before, backlog: storage.backlog });
    if (storage.backlog >= backlogMax || disk.sql.databaseSize >= storageBytesMax) {
      disable(storage, now, "The backlog reached its bound: the receiver takes less than it is sent.");
    }
  }
  return accepted.map((delivery) => delivery !== null);
}

function insertAll(
  disk: DurableObjectStorage,
  { outbox, record }: LaneStorage,
  { events, now }: { events: readonly HandoverEvent[]; now: number },
): (PendingDelivery | null)[] {
  try {
    return disk.transactionSync(() => outbox.accept(events, now, record.prunedThrough));
  } catch (error) {
    // What was undone on disk must be undone in memory, or sequences would have a gap.
    outbox.reload(record.sequenceBase);
    throw error;
  }
}
