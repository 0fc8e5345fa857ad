/** The retention of deliveries. A lane prunes whole days. Days with pending deliveries are kept. */
import { type Day, endOf } from "./day-tables";
import type { LaneStorage } from "./lane-storage";
import { deliveryStatus } from "./delivery-state";

/** How long delivered deliveries and dead letters are kept, in ms. */
export type Retention = { deliveredMs: number; deadMs: number };

/** @returns the oldest day that is past its retention time, or null. */
export function dayToPrune(storage: LaneStorage, now: number, retention: Retention): Day | null {
  const isOver = (day: Day): boolean => now >= endOf(day) + keptMs(day, retention);
  if (!storage.days.all.some(isOver)) return null;
  return storage.days.all.find((day) => isOver(day) && isFinished(storage, day)) ?? null;
}

/**
 * Does one step of pruning a day's deliveries, except dead letters that are kept longer. Must run in a transaction.
 * @returns whether the day is finished.
 */
export function pruneDay(
  storage: LaneStorage,
  day: Day,
  { now, retention }: { now: number; retention: Retention },
): boolean {
  const { outbox, days, earlierAttempts } = storage;
  const dead = outbox.countDead(day);
  const keepsDead = dead > 0 && now < endOf(day) + retention.deadMs;
  const last = lastOf(storage, day);
  if (keepsDead ? earlierAttempts.drop(day, last) : earlierAttempts.dropAll(day, last)) return false;
  if (keepsDead) {
    days.keepOnlyDead(day, deliveryStatus.dead);
  } else {
    days.drop(day);
    outbox.forgetDay(day);
    storage.digests.forgetDay(day);
    storage.counting.adjust({ dead: -dead });
  }
  const { prunedThrough, deadPrunedThrough, gone } = storage.record;
  const dropped = keepsDead ? 0 : dead;
  storage.checkpoint({
    prunedThrough: Math.max(prunedThrough, endOf(day)),
    deadPrunedThrough: dropped > 0 ? Math.max(deadPrunedThrough, endOf(day)) : deadPrunedThrough,
    gone: gone + dropped,
    sequenceBase: outbox.lastSequence,
    copiedToD1: storage.record.copiedToD1 && (keepsDead || dead === 0),
    // Stored here because it needs no additional row. `Maintenance.reportEmpty` reports it to D1 at cron's next call.
    isInUse: days.all.length > 0,
  });
  return true;
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
