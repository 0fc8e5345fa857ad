/** Accepts events into a lane. */
import type { HandoverEvent } from "./handover";
import { backlogMax, disable, storageBytesMax } from "./lane-health";
import type { LaneStorage } from "./lane-storage";
import type { PendingDelivery } from "./pending-deliveries";

/**
 * Stores events as pending deliveries, all of them or none. Disables the webhook when its backlog reaches the limit.
 * @returns for each event whether it was new to the lane.
 * @throws when a write to storage fails: no event was then accepted.
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
    // The rollback on disk must be repeated in memory, or sequence numbers would have a gap.
    outbox.reload(record.sequenceBase);
    throw error;
  }
}
