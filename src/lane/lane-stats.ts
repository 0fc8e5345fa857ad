/** The statistics of a lane, which need no scan of its log. */
import type { LaneState } from "./lane-record";
import type { LaneStorage } from "./lane-storage";
import type { Window } from "./stats";

const hourMs = 3_600_000;

/** A webhook's state and figures; times in ms. */
export type LaneStats = {
  state: LaneState;
  disabledReason: string | null;
  counts: { pending: number; delivered: number; failed: number; dead: number };
  backlog: number;
  oldestPendingAt: number | null;
  nextAttemptAt: number | null;
  lastHour: Window;
  lastDay: Window;
};

/** @param nextAttemptAt when the next attempt is due, in ms; null when nothing is pending. @returns the statistics. */
export function laneStats(storage: LaneStorage, nextAttemptAt: number | null, now: number): LaneStats {
  const { record, counters, backlog, log, stats } = storage;
  const lowWater = storage.schedule.lowWater();
  const failed = backlog === 0 ? 0 : log.countFailed();
  return {
    state: record.state,
    disabledReason: record.disabledReason,
    counts: { pending: backlog - failed, delivered: counters.delivered, failed, dead: counters.dead },
    backlog,
    oldestPendingAt: backlog === 0 ? null : log.oldestPendingAt(lowWater),
    // A time in the past means now.
    nextAttemptAt: nextAttemptAt === null ? null : Math.max(nextAttemptAt, now),
    lastHour: stats.window(now, hourMs),
    lastDay: stats.window(now, 24 * hourMs),
  };
}
