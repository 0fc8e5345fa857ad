/** What a lane forgets, and when. A table per day goes at once; what waits is never touched. */
import { type Day, endOf } from "./day-tables";
import type { LaneStorage } from "./lane-storage";
import { deliveryStatus } from "./delivery-state";

/** How long things are kept, in ms: delivered ones, and dead letters. */
export type Retention = { deliveredMs: number; deadMs: number };

/** Forgets one day's deliveries, if any is due. @returns whether one was: then there may be more. */
export function pruneOneDay(storage: LaneStorage, now: number, retention: Retention): boolean {
  // A lane that was just opened does not know yet how far it is finished.
  storage.lineUpReady(now);
  const day = storage.days.all.find((candidate) => isDue(storage, candidate, now, retention));
  if (day === undefined) return false;
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
  return true;
}

/** A day is due when its time is over and nothing of it waits: neither to be delivered nor to be sent again. */
function isDue(storage: LaneStorage, day: Day, now: number, { deliveredMs, deadMs }: Retention): boolean {
  if (now < endOf(day) + (day.thinned ? deadMs : deliveredMs)) return false;
  const next = storage.days.all.find((later) => later.day > day.day);
  const end = next?.firstSequence ?? storage.outbox.lastSequence + 1;
  return storage.schedule.lowWater() >= end && !storage.replays.any(day.firstSequence, end - 1);
}
