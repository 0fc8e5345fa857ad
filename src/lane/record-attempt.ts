/**
 * Records attempts in a lane: changes the delivery's row, its partition, the counters, and the state of the webhook.
 */
import { type CountersChange, countersChange, deliveryStatus, isWaiting, transition } from "./delivery-state";
import { disable, isUntroubled, noteDeadLetter, noteFailure, noteSuccess } from "./lane-health";
import { activeClock, isCountedAgain } from "./lane-record";
import type { LaneStorage } from "./lane-storage";
import type { StoredState } from "./outbox";
import type { LoadedDelivery } from "./pending-deliveries";
import type { ProbeKind } from "./receiver-health";
import type { ReplayHead } from "./replays";
import { askedDelayMs, type Circumstances, type Decision, decide } from "./retry-policy";
import type { HeadResult } from "./partitions";
import type { SentAttempt } from "../send/sender";
import type { FinishedAttempt } from "./stats";

/**
 * An attempt that has ended. `live`: it was the head of a partition. `failures`: failures in a row including earlier
 * heads, if this attempt has failed. `others`: the sequence numbers of the deliveries that the message also carried.
 * `again`: it was the head of the replays.
 */
export type EndedAttempt = { outgoing: LoadedDelivery; probe: ProbeKind | null } & (
  | { queue: "live"; partition: string; failures: number; others: readonly number[] }
  | { queue: "again"; head: ReplayHead & { kind: "send" } }
);

/**
 * Records a delivery's successful first attempt, if that changes only the delivery's row and counters that a recount
 * finds. It needs one statement and no transaction. Most attempts are recorded this way.
 * @returns false for every other attempt, which `recordAttempt` must record; nothing is then changed.
 */
export function recordPlainSuccess(storage: LaneStorage, attempt: EndedAttempt, sent: SentAttempt): boolean {
  const { outgoing, queue } = attempt;
  if (queue !== "live" || attempt.failures > 1 || sent.result.error !== null) return false;
  if (attempt.others.length > 0) return false;
  const { sequence } = outgoing;
  if (!isCountedAgain(storage.record, sequence) || !isUntroubled(storage.record)) return false;
  const after = {
    nextAttemptAt: null,
    agedFrom: activeClock(storage.record, sent.result.startedAt),
    tick: storage.counters.attempts + 1,
  };
  if (!storage.outbox.recordFirstSuccess(sequence, sent, after)) return false;
  storage.schedule.settle(sequence, { kind: "delivered" });
  storage.countSuccess({ ...sent.result, delivered: true, dead: false });
  return true;
}

/** Records an attempt, also if its delivery has changed meanwhile. Must run in a transaction. */
export function recordAttempt(storage: LaneStorage, attempt: EndedAttempt, sent: SentAttempt): void {
  const now = Date.now();
  const random = Math.random();
  const { sequence } = attempt.outgoing;
  const before = storage.outbox.state(sequence);
  if (before === null) return leaveQueue(storage, attempt, now);
  const agedFrom = before.agedFrom ?? activeClock(storage.record, sent.result.startedAt);
  const age = ageOf(storage, attempt, { agedFrom, now });
  const retry = storage.record.config?.retry ?? { maxAttempts: null, maxAgeS: null };
  const decision = endIfStopped(
    storage,
    attempt,
    decide({ result: sent.result, retry, now, random, ...age }),
  );
  const after = transition(before, { kind: "attempt", queue: attempt.queue, decision });
  const isLive = attempt.queue === "live" && before.status === deliveryStatus.pending;
  const others = stateOfOthers(storage, attempt);
  // Changes that a recount would not find in the rows are stored at once.
  const isPlain =
    isLive &&
    before.attempts === 0 &&
    decision.kind === "delivered" &&
    [...others.keys(), sequence].every((one) => isCountedAgain(storage.record, one)) &&
    [...others.values()].every(isUntried);
  const tick = isPlain ? storage.counters.attempts + 1 : 0;
  storage.outbox.record(sequence, before, sent, { ...after, agedFrom, tick });
  const changeOfOthers = recordOthers(storage, others, { head: sequence, decision, sent, tick });
  const isNewlyDead = before.status !== deliveryStatus.dead && after.status === deliveryStatus.dead;
  if (attempt.queue === "again") moveReplay(storage, attempt, { decision, now });
  else
    storage.schedule.settle(sequence, isLive ? headResultOf(storage, attempt, decision) : { kind: "left" });
  const counted = { ...sent.result, delivered: sent.result.error === null, dead: isNewlyDead };
  const change = countersChange(before.status, after.status);
  if (isPlain) storage.countSuccess(counted);
  else if (isLive) storage.counting.countOther(counted, change);
  else countReplayed(storage, attempt, { before, counted, change, now });
  if (isNewlyDead) noteDeadLetter(storage, now, { ...attempt.outgoing, error: sent.result.error });
  if (changeOfOthers.dead !== 0) storage.checkpoint({ copiedToD1: false });
  judgeReceiver(storage, attempt, { decision, sent, failures: age.failures, now, random });
  storage.checkpointIfDirty();
}

/** Gives up a pending delivery on request. Must run in a transaction. @returns whether it was pending. */
export function recordSkip(storage: LaneStorage, sequence: number, before: StoredState): boolean {
  const after = transition(before, { kind: "skip" });
  if (!isWaiting(before.status)) return false;
  storage.outbox.setState(sequence, before.status, after);
  storage.digests.dissolve(sequence);
  storage.schedule.remove(sequence);
  storage.counting.adjust(countersChange(before.status, after.status));
  storage.stats.countSkipped(Date.now());
  storage.checkpoint({ copiedToD1: false });
  return true;
}

/** @returns the current states of the deliveries that the message carried beside its head. */
function stateOfOthers(storage: LaneStorage, attempt: EndedAttempt): Map<number, StoredState> {
  const states = new Map<number, StoredState>();
  if (attempt.queue === "again") return states;
  for (const sequence of attempt.others) {
    const state = storage.outbox.state(sequence);
    if (state !== null) states.set(sequence, state);
  }
  return states;
}

function isUntried({ status, attempts }: StoredState): boolean {
  return status === deliveryStatus.pending && attempts === 0;
}

/** Ends the carried deliveries with their head. @returns how that changes the counters. */
function recordOthers(
  storage: LaneStorage,
  others: ReadonlyMap<number, StoredState>,
  attempt: { head: number; decision: Decision; sent: SentAttempt; tick: number },
): CountersChange {
  const { head, decision, sent, tick } = attempt;
  const total = { finished: 0, delivered: 0, dead: 0 };
  const ended: number[] = [];
  for (const [sequence, before] of others) {
    const after = transition(before, { kind: "carried", decision });
    if (after.status === before.status) continue;
    ended.push(sequence);
    storage.outbox.recordCarried(sequence, before.status, sent, { ...after, tick });
    // They are removed before the head is finished, so that none of them becomes the next head.
    storage.schedule.remove(sequence);
    const dead = after.status === deliveryStatus.dead;
    const { startedAt, durationMs } = sent.result;
    if (tick > 0) {
      storage.countCarried({ startedAt, durationMs, delivered: true, dead });
      continue;
    }
    storage.stats.countCarried({ startedAt, dead });
    const change = countersChange(before.status, after.status);
    storage.counting.adjust(change);
    total.finished += change.finished;
    total.delivered += change.delivered;
    total.dead += change.dead;
  }
  storage.digests.settle(head, ended);
  return total;
}

/** A replay that was stopped while its attempt was under way makes no more attempts. */
function endIfStopped(storage: LaneStorage, attempt: EndedAttempt, decision: Decision): Decision {
  if (decision.kind !== "retry" || attempt.queue === "live") return decision;
  return storage.replays.isRunning(attempt.head.position) ? decision : { kind: "dead", at: decision.at };
}

/**
 * @returns the attempts, age and failures that decide about a retry. In a replay, each delivery starts with a fresh
 *   retry budget.
 */
function ageOf(
  storage: LaneStorage,
  attempt: EndedAttempt,
  { agedFrom, now }: { agedFrom: number; now: number },
): Pick<Circumstances, "attempts" | "ageMs" | "failures"> {
  if (attempt.queue === "again") {
    const attempts = attempt.head.attempts + 1;
    return { attempts, ageMs: now - attempt.head.since, failures: attempts };
  }
  const ageMs = activeClock(storage.record, now) - agedFrom;
  return { attempts: attempt.outgoing.attempts + 1, ageMs, failures: attempt.failures };
}

/** The delivery no longer exists: its partition or replay continues. */
function leaveQueue(storage: LaneStorage, attempt: EndedAttempt, now: number): void {
  if (attempt.queue === "live") {
    storage.schedule.settle(attempt.outgoing.sequence, { kind: "left" });
    storage.checkpoint();
  } else storage.replays.pass(attempt.head.position, attempt.outgoing.sequence, now);
}

function moveReplay(
  storage: LaneStorage,
  { head, outgoing }: EndedAttempt & { queue: "again" },
  { decision, now }: { decision: Decision; now: number },
): void {
  if (decision.kind === "retry") storage.replays.delay(head.position, decision.at);
  else if (decision.kind !== "disable") storage.replays.pass(head.position, outgoing.sequence, now);
  if (decision.kind === "dead") storage.replays.noteGivenUp(head.position);
}

function headResultOf(
  storage: LaneStorage,
  { outgoing, partition, failures }: EndedAttempt & { queue: "live" },
  decision: Decision,
): HeadResult {
  switch (decision.kind) {
    case "delivered":
      if (failures > outgoing.attempts + 1) storage.backoffs.drop(partition);
      return { kind: "delivered" };
    case "retry":
      return { kind: "failed", notBefore: decision.at, failures };
    case "dead": {
      const backoff = { notBefore: decision.at, failures };
      if (storage.schedule.ordering !== "none") storage.backoffs.keep(partition, backoff);
      return { kind: "givenUp", backoff };
    }
    case "disable":
      return { kind: "postponed", notBefore: 0 };
  }
}

/**
 * Counts an attempt outside of the partitions. It is stored at once, unless its replay continues and no counter
 * changed.
 */
function countReplayed(
  storage: LaneStorage,
  attempt: EndedAttempt,
  outcome: { before: StoredState; counted: FinishedAttempt; change: CountersChange; now: number },
): void {
  const { before, counted, change, now } = outcome;
  storage.counting.countOutside(counted, change);
  // The last attempt of a replay stores the counts of all of them, because no later write is certain.
  const isOneOfMany =
    attempt.queue === "again" &&
    attempt.head.replay !== null &&
    storage.replays.head(now)?.position === attempt.head.position;
  // The row's own tick moves to `attempts`, where a recount does not look.
  const isUncounted = before.tick > storage.record.counters.attempts;
  if (change.dead !== 0) storage.checkpoint({ copiedToD1: false });
  else if (!isOneOfMany || isUncounted) storage.checkpoint();
}

/** Updates the receiver's health after an attempt, and disables the webhook if necessary. */
function judgeReceiver(
  storage: LaneStorage,
  attempt: EndedAttempt,
  outcome: { decision: Decision; sent: SentAttempt; failures: number; now: number; random: number },
): void {
  const { decision, sent, failures, now, random } = outcome;
  const { result } = sent;
  // Nothing was sent, because of the event: that says nothing about the receiver.
  if (result.error === "format_error") return;
  switch (decision.kind) {
    case "delivered":
      return noteSuccess(storage, now, result.startedAt);
    case "disable":
      return disable(storage, now, decision.reason);
    case "dead":
    case "retry":
      return noteFailure(storage, {
        partition: attempt.queue === "live" ? attempt.partition : "(replays)",
        partitionFailures: failures,
        probe: attempt.probe,
        askedDelayMs: askedDelayMs({ result, random }),
        lastSequence: storage.outbox.lastSequence,
        now,
        random,
      });
  }
}
