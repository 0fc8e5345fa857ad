/** Redelivers or gives up one delivery of a lane, on request. */
import { deliveryStatus } from "./delivery-state";
import type { LaneStorage, OpenLane } from "./lane-storage";
import { recordSkip } from "./record-attempt";

/**
 * The result of a request. `unknown`: the delivery does not exist, or no longer. `finished`: it is not pending.
 * `behind`: an earlier delivery of its partition must be sent first. `inactive`: the webhook is paused or disabled.
 */
export type ChangeResult = "done" | "unknown" | "finished" | "behind" | "inactive";

/** Gives up a pending delivery, which becomes a dead letter. Its partition continues. */
export function skip(lane: OpenLane, sequence: number): ChangeResult {
  const storage = lane.storage();
  const before = storage?.outbox.state(sequence) ?? null;
  if (storage === null || before === null) return "unknown";
  let isSkipped = false;
  lane.atomically(() => (isSkipped = recordSkip(storage, sequence, before)));
  return isSkipped ? "done" : "finished";
}

/** Makes the pending head of a partition due now, or queues a finished delivery as a replay of its own. */
export function redeliver(storage: LaneStorage | null, sequence: number): ChangeResult {
  const state = storage?.outbox.state(sequence) ?? null;
  if (storage === null || state === null) return "unknown";
  if (storage.record.state !== "active") return "inactive";
  if (state.status === deliveryStatus.replaying) return "behind";
  if (state.status === deliveryStatus.pending) return storage.search.makeDue(sequence) ? "done" : "behind";
  storage.replays.addOne(sequence, Date.now());
  return "done";
}
