/** The retention of deliveries. A lane prunes whole days. Days with pending deliveries are kept. */
import { type Day, endOf } from "./day-tables";
import type { LaneStorage } from "./lane-storage";

/** How long delivered deliveries and dead letters are kept, in ms. */
export type Retention = { deliveredMs: number; deadMs: number };

/** @returns the oldest day that is past its retention time, or null. */
export function dayToPrune(storage: LaneStorage, now: number, retention: Retention): Day | null {
  const isOver = (day: Day): boolean => now >= endOf(day) + keptMs(day, retention);
  if (!storage.days.all.some(isOver)) return null;
  return storage.days.all.find((day) => isOver(day) && isFinished(storage, day)) ?? null;
}

/**
 * Does one step of pruning a day's deliveries, except dead letters that are kept longer. Work is bounded. Must run in a
 * transaction, again and again while `dayToPrune` returns the day.
 */
export function pruneDay(
  storage: LaneStorage,
  day: Day,
  { now, retention }: { now: number; retention: Retention },
): void {
  const keepsDead = now < endOf(day) + retention.deadMs && storage.outbox.hasDead(day);
  const last = lastOf(storage, day);
  if (keepsDead) {
    const range = storage.deadLetterCopies.next(day, last);
    if (storage.earlierAttempts.drop(day, range)) return;
    storage.deadLetterCopies.copy(day, range);
    if (range.to < last) return;
    storage.days.keepOnlyDead(day);
    noteFinished(storage, day, 0);
  } else {
    if (storage.earlierAttempts.dropAll(day, last)) return;
    const dead = storage.outbox.countDead(day);
    storage.days.drop(day);
    storage.outbox.forgetDay(day);
    storage.digests.forgetDay(day);
    storage.counting.adjust({ dead: -dead });
    noteFinished(storage, day, dead);
  }
}

/** Notes in the record that a day was pruned. @param dropped how many dead letters went with it. */
function noteFinished(storage: LaneStorage, day: Day, dropped: number): void {
  const { prunedThrough, deadPrunedThrough, gone } = storage.record;
  storage.checkpoint({
    prunedThrough: Math.max(prunedThrough, endOf(day)),
    deadPrunedThrough: dropped > 0 ? Math.max(deadPrunedThrough, endOf(day)) : deadPrunedThrough,
    gone: gone + dropped,
    sequenceBase: storage.outbox.lastSequence,
    copiedToD1: storage.record.copiedToD1 && dropped === 0,
    // Stored here because it needs no additional row. `Maintenance.reportEmpty` reports it to D1 at cron's next call.
    isInUse: storage.days.all.length > 0,
  });
}

function lastOf(storage: LaneStorage, day: Day): number {
  const next = storage.days.all.find((later) => later.day > day.day);
  return (next?.firstSequence ?? storage.outbox.lastSequence + 1) - 1;
}

function keptMs({ onlyDead }: Day, { deliveredMs, deadMs }: Retention): number {
  return onlyDead ? deadMs : deliveredMs;
}

/** Whether no delivery of a day is pending, or in a running replay. */
function isFinished(storage: LaneStorage, day: Day): boolean {
  const last = lastOf(storage, day);
  return storage.schedule.lowWater() > last && !storage.replays.any(day.firstSequence, last);
}
