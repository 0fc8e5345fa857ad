/** The states of a delivery, and what each outcome makes of them. Pure: the only place that decides it. */
import type { Decision } from "./retry-policy";

/**
 * `pending` until it was delivered or given up (`dead`). `replaying` waits, too, but in the replays' queue: an event of
 * the archive that never reached the lane before. The numbers are what is stored.
 */
export const deliveryStatus = { pending: 0, delivered: 1, dead: 2, replaying: 3 } as const;

export type DeliveryStatus = (typeof deliveryStatus)[keyof typeof deliveryStatus];

/** `nextAttemptAt`: not to be tried before, in ms; null where no retry is due. */
export type DeliveryState = { status: DeliveryStatus; nextAttemptAt: number | null };

/**
 * What happens to a delivery. `live` attempts are those of its partition's head, `again` those of a replay or a
 * redelivery: both may be under way at once, when a person gave the delivery up and had it sent again meanwhile.
 */
export type Outcome =
  | { kind: "attempt"; queue: "live" | "again"; decision: Decision }
  /** An attempt of the head whose message carries it, too. Only the head waits for a retry. */
  | { kind: "carried"; decision: Decision }
  /** A person gives it up. */
  | { kind: "skip" };

/** How a lane's counters change. `finished` deliveries wait no more. */
export type CountersChange = { finished: number; delivered: number; dead: number };

/** Whether a delivery waits, in its partition or in a replay. */
export function isWaiting(status: DeliveryStatus): boolean {
  return status === deliveryStatus.pending || status === deliveryStatus.replaying;
}

/**
 * @param state as it is on disk when the outcome is known, not as it was when the attempt began.
 * @returns the state after it. A delivery that was delivered stays so, and one that is dead is only revived by a success.
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
  // Given up or delivered while this attempt was under way: its retry time is that of a replay.
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

/** What a change of status does to the counters: derived, so that no path can count differently from what is stored. */
export function countersChange(before: DeliveryStatus, after: DeliveryStatus): CountersChange {
  const { delivered, dead } = deliveryStatus;
  return {
    finished: Number(isWaiting(before)) - Number(isWaiting(after)),
    delivered: Number(after === delivered) - Number(before === delivered),
    dead: Number(after === dead) - Number(before === dead),
  };
}
