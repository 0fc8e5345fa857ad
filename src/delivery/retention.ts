/** What a lane forgets, and when. A table per day goes at once; what waits is never touched. */
import { type Day, endOf } from "./day-tables";
import type { LaneStorage } from "./lane-storage";
import { deliveryStatus } from "./delivery-state";

/** How long things are kept, in ms: delivered ones, and dead letters. */
export type Retention = { deliveredMs: number; deadMs: number };

/** The oldest day that is past its time, or null. */
export function dayToPrune(storage: LaneStorage, now: number, retention: Retention): Day | null {
  const isOver = (day: Day): boolean => now >= endOf(day) + keptMs(day, retention);
  if (!storage.days.all.some(isOver)) return null;
  // A lane that was just opened does not know yet how far it is finished.
  storage.lineUpReady(now);
  return storage.days.all.find((day) => isOver(day) && isFinished(storage, day)) ?? null;
}

/** Forgets a day's deliveries, but for dead letters that are to be kept. To be run as one transaction. */
export function pruneDay(
  storage: LaneStorage,
  day: Day,
  { now, retention }: { now: number; retention: Retention },
): void {
  const dead = storage.outbox.countDead(day);
  const keepsDead = dead > 0 && now < endOf(day) + retention.deadMs;
  if (keepsDead) {
    storage.days.thin(day, deliveryStatus.dead);
  } else {
    storage.days.drop(day);
    storage.adjust({ dead: -dead });
  }
  storage.outbox.dropOrphans();
  storage.checkpoint({
    prunedThrough: Math.max(storage.record.prunedThrough, endOf(day)),
    sequenceBase: storage.outbox.lastSequence,
    copiedToD1: storage.record.copiedToD1 && (keepsDead || dead === 0),
  });
}

function keptMs({ thinned }: Day, { deliveredMs, deadMs }: Retention): number {
  return thinned ? deadMs : deliveredMs;
}

/** Nothing of a finished day waits: neither to be delivered nor to be sent again. */
function isFinished(storage: LaneStorage, day: Day): boolean {
  const next = storage.days.all.find((later) => later.day > day.day);
  const end = next?.firstSequence ?? storage.outbox.lastSequence + 1;
  return storage.schedule.lowWater() >= end && !storage.replays.any(day.firstSequence, end - 1);
}
