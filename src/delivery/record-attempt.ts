/** What an attempt changes in its lane: the delivery's row, its line, the counts, and what follows for the webhook. */
import { disable, noteDeath, noteFailure, noteSuccess } from "./lane-health";
import { activeClock } from "./lane-record";
import type { LaneStorage } from "./lane-storage";
import { deliveryStatus, type Outgoing } from "./outbox";
import type { ReplayHead } from "./replays";
import { type Circumstances, type Decision, decide } from "./retry-policy";
import type { SentUnder } from "./sender";

/** A line whose head was under way. `failures` in a row, in case that this attempt is one: those of earlier heads count. */
type Head = { line: string; failures: number };

/**
 * Records a first attempt that delivers, when nothing is to be written but the delivery's row: one statement, which is a
 * transaction by itself. Most attempts are like that. @returns false, and nothing is changed, when this one is not.
 */
export function recordPlain(storage: LaneStorage, outgoing: Outgoing, sent: SentUnder, head: Head): boolean {
  const { failingSince, troubleAnnounced } = storage.record;
  const isFirstSuccess = sent.result.error === null && head.failures === 1;
  if (!isFirstSuccess || failingSince !== null || troubleAnnounced || storage.isCheckpointDue) return false;
  const isUnchanged = storage.outbox.record(outgoing, sent, {
    status: deliveryStatus.delivered,
    nextAttemptAt: null,
    agedFrom: activeClock(storage.record, sent.result.startedAt),
    tick: storage.tally.attempts + 1,
  });
  if (!isUnchanged) return false;
  storage.lines.succeed(head.line);
  storage.countAttempt({ ...sent.result, delivered: true, dead: false });
  return true;
}

/** Records an attempt for the head of a line. To be run as one transaction. */
export function recordLive(storage: LaneStorage, outgoing: Outgoing, sent: SentUnder, head: Head): void {
  const now = Date.now();
  const agedFrom = outgoing.agedFrom ?? activeClock(storage.record, sent.result.startedAt);
  const decision = decideFor(storage, sent, {
    attempts: outgoing.attempts + 1,
    ageMs: activeClock(storage.record, now) - agedFrom,
    failures: head.failures,
    now,
  });
  const then = {
    status: statusAfter(decision),
    nextAttemptAt: decision.kind === "retry" ? decision.at : null,
    agedFrom,
    tick: storage.tally.attempts + 1,
  };
  const isUnchanged = storage.outbox.record(outgoing, sent, then);
  const current = isUnchanged ? outgoing : storage.outbox.load(outgoing.sequence);
  if (current?.status === deliveryStatus.dead) {
    // While it was under way, someone gave it up: only a success changes that.
    const status = decision.kind === "delivered" ? deliveryStatus.delivered : deliveryStatus.dead;
    storage.outbox.record(current, sent, { status, nextAttemptAt: null, agedFrom, tick: 0 });
    storage.lines.leave(head.line);
    countAgain(storage, sent, { before: deliveryStatus.dead, after: status, isOneOfMany: false });
  } else {
    if (!isUnchanged && current !== null) storage.outbox.record(current, sent, then);
    moveLine(storage, decision, head, outgoing);
    const { kind } = decision;
    storage.countAttempt({ ...sent.result, delivered: kind === "delivered", dead: kind === "dead" });
  }
  follow(storage, decision, { outgoing, sent, now });
}

/** Records an attempt of the second line's head. To be run as one transaction. */
export function recordAgain(
  storage: LaneStorage,
  outgoing: Outgoing,
  sent: SentUnder,
  head: ReplayHead & { kind: "send" },
): void {
  const now = Date.now();
  const attempts = head.attempts + 1;
  const decision = decideFor(storage, sent, { attempts, ageMs: now - head.since, failures: attempts, now });
  // While it was under way, someone may have given it up.
  const current = storage.outbox.load(outgoing.sequence) ?? outgoing;
  const before = current.status;
  const after = statusAgain(decision, before);
  storage.outbox.record(current, sent, {
    status: after,
    nextAttemptAt: decision.kind === "retry" ? decision.at : null,
    agedFrom: outgoing.agedFrom ?? activeClock(storage.record, now),
    tick: 0,
  });
  if (decision.kind === "retry") storage.replays.delay(head.position, decision.at);
  else if (decision.kind !== "disable") storage.replays.pass(head.position, outgoing.sequence, now);
  if (decision.kind === "dead") storage.replays.noteGivenUp(head.position);
  countAgain(storage, sent, { before, after, isOneOfMany: head.replay !== null });
  const isNews = decision.kind !== "dead" || before === deliveryStatus.replaying;
  if (isNews) follow(storage, decision, { outgoing, sent, now });
}

/** A delivery that was finished stays what it was, unless it is delivered now. */
function statusAgain(decision: Decision, before: number): number {
  if (decision.kind === "delivered") return deliveryStatus.delivered;
  return decision.kind === "dead" && before === deliveryStatus.replaying ? deliveryStatus.dead : before;
}

function decideFor(
  storage: LaneStorage,
  { result }: SentUnder,
  circumstances: Pick<Circumstances, "attempts" | "ageMs" | "failures" | "now">,
): Decision {
  const retry = storage.record.config?.retry ?? { maxAttempts: null, maxAgeS: null };
  return decide({ ...circumstances, result, retry, random: Math.random() });
}

function statusAfter({ kind }: Decision): number {
  if (kind === "delivered") return deliveryStatus.delivered;
  return kind === "dead" ? deliveryStatus.dead : deliveryStatus.pending;
}

function moveLine(storage: LaneStorage, decision: Decision, head: Head, outgoing: Outgoing): void {
  const { lines } = storage;
  const { line, failures } = head;
  switch (decision.kind) {
    case "delivered":
      if (failures > outgoing.attempts + 1) storage.dropCarried(line);
      lines.succeed(line);
      return;
    case "retry":
      lines.fail(line, decision.at);
      return;
    case "dead": {
      const carried = { notBefore: decision.at, failures };
      if (lines.ordering !== "none") storage.carry(line, carried);
      lines.giveUp(line, carried);
      return;
    }
    case "disable":
      lines.postpone(line, 0);
  }
}

/**
 * Counts an attempt outside of the lines. No recount finds it (its tick is 0): it is written at once, unless it is
 * one of a replay's many that changed nothing.
 */
function countAgain(
  storage: LaneStorage,
  { result }: SentUnder,
  { before, after, isOneOfMany }: { before: number; after: number; isOneOfMany: boolean },
): void {
  const { delivered, dead, replaying } = deliveryStatus;
  storage.countOutside({ ...result, delivered: result.error === null, dead: false });
  storage.adjust({
    finished: Number(before === replaying && after !== replaying),
    delivered: Number(after === delivered) - Number(before === delivered),
    dead: Number(after === dead) - Number(before === dead),
  });
  if (before === after && isOneOfMany) return;
  const isDeadChanged = before === dead || after === dead;
  storage.checkpoint(isDeadChanged ? { copiedToD1: false } : {});
}

/** What the outcome says of the receiver. */
function follow(
  storage: LaneStorage,
  decision: Decision,
  { outgoing, sent, now }: { outgoing: Outgoing; sent: SentUnder; now: number },
): void {
  switch (decision.kind) {
    case "delivered":
      return noteSuccess(storage, now);
    case "disable":
      return disable(storage, now, "The receiver answered 410 Gone.");
    case "dead":
      noteDeath(storage, now, { ...outgoing, error: sent.result.error });
      return noteFailure(storage, now);
    case "retry":
      return noteFailure(storage, now);
  }
}
