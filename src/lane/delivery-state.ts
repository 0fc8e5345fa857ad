/** The states of a delivery, and their transitions. Pure. No other code decides about them. */
import type { Decision } from "./retry-policy";

/**
 * `pending`: not yet delivered or given up (`dead`). `replaying`: pending in the queue of replays; such a delivery is
 * of an archived event that never reached the lane before. The numbers are stored.
 */
export const deliveryStatus = { pending: 0, delivered: 1, dead: 2, replaying: 3 } as const;

/** One of these statuses. */
export type DeliveryStatus = (typeof deliveryStatus)[keyof typeof deliveryStatus];

/** A delivery's state. `nextAttemptAt`: the earliest time of its retry, in ms; null when it waits for none. */
export type DeliveryState = { status: DeliveryStatus; nextAttemptAt: number | null };

/**
 * An event in a delivery's life. `live`: an attempt of it as the head of its partition. `again`: an attempt for a
 * replay or a redelivery. Both may be under way at once, when a person gave the delivery up and resent it meanwhile.
 */
export type Outcome =
  | { kind: "attempt"; queue: "live" | "again"; decision: Decision }
  /** An attempt of the head whose message carries it as well. Only the head waits for a retry. */
  | { kind: "carried"; decision: Decision }
  /** A person gives it up. */
  | { kind: "skip" };

/** A change of a lane's counters. `finished`: deliveries that are no longer pending. */
export type CountersChange = { finished: number; delivered: number; dead: number };

/** Whether a delivery is pending, in its partition or in a replay. */
export function isWaiting(status: DeliveryStatus): boolean {
  return status === deliveryStatus.pending || status === deliveryStatus.replaying;
}

/**
 * @param state as it is on disk when the outcome is known, which may differ from when the attempt started.
 * @returns the new state. A delivered delivery stays delivered, and a dead one changes only by a success.
 */
export function transition(state: DeliveryState, outcome: Outcome): DeliveryState {
  switch (outcome.kind) {
    case "skip":
      return isWaiting(state.status) ? { status: deliveryStatus.dead, nextAttemptAt: null } : state;
    case "attempt":
      return afterAttempt(state, outcome.queue, outcome.decision);
    case "carried":
      return isFinal(outcome.decision) ? afterAttempt(state, "live", outcome.decision) : state;
  }
}

function isFinal({ kind }: Decision): boolean {
  return kind === "delivered" || kind === "dead";
}

function afterAttempt(state: DeliveryState, queue: "live" | "again", decision: Decision): DeliveryState {
  const { status } = state;
  // The delivery was given up or delivered while this attempt was under way: its retry time now belongs to a replay.
  const isLate = queue === "live" && !isWaiting(status);
  if (isLate) return decision.kind === "delivered" ? { ...state, status: deliveryStatus.delivered } : state;
  switch (decision.kind) {
    case "delivered":
      return { status: deliveryStatus.delivered, nextAttemptAt: null };
    case "retry":
      return { status, nextAttemptAt: decision.at };
    case "dead":
      return { status: isWaiting(status) ? deliveryStatus.dead : status, nextAttemptAt: null };
    case "disable":
      return { status, nextAttemptAt: null };
  }
}

/**
 * @returns how a change of status changes the counters. All counting uses it, so that the counters agree with the
 *   stored statuses.
 */
export function countersChange(before: DeliveryStatus, after: DeliveryStatus): CountersChange {
  const { delivered, dead } = deliveryStatus;
  return {
    finished: Number(isWaiting(before)) - Number(isWaiting(after)),
    delivered: Number(after === delivered) - Number(before === delivered),
    dead: Number(after === dead) - Number(before === dead),
  };
}
