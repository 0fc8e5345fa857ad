/** Redelivering or giving up one delivery of a lane, as a person asks for it. */
import { deliveryStatus } from "./delivery-state";
import type { LaneStorage, OpenLane } from "./lane-storage";
import { recordSkip } from "./record-attempt";

/** The result of a request to change one delivery. `behind`: another one of its partition is tried first. */
export type ChangeResult = "done" | "unknown" | "finished" | "behind" | "inactive";

/** Gives a waiting delivery up: its partition moves on. */
export function skip(lane: OpenLane, sequence: number): ChangeResult {
  const storage = lane.storage();
  const before = storage?.outbox.state(sequence) ?? null;
  if (storage === null || before === null) return "unknown";
  let isSkipped = false;
  lane.atomically(() => (isSkipped = recordSkip(storage, sequence, before)));
  return isSkipped ? "done" : "finished";
}

/** Makes the waiting head of a partition due now; a finished delivery is queued as a replay of its own. */
export function redeliver(storage: LaneStorage | null, sequence: number): ChangeResult {
  const state = storage?.outbox.state(sequence) ?? null;
  if (storage === null || state === null) return "unknown";
  if (storage.record.state !== "active") return "inactive";
  if (state.status === deliveryStatus.replaying) return "behind";
  if (state.status === deliveryStatus.pending) return storage.search.makeDue(sequence) ? "done" : "behind";
  storage.replays.addOne(sequence, Date.now());
  return "done";
}
