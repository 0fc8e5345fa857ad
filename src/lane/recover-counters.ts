/**
 * Finds the first-attempt successes that a lane's counters lack, after it lost its memory since the last checkpoint.
 */
import type { DayTables } from "./day-tables";
import { deliveryStatus } from "./delivery-state";
import type { FinishedAttempt } from "./stats";

/**
 * An attempt that was not counted. `tick`: its number in the lane. `isCarried`: whether another delivery's message
 * carried the delivery.
 */
export type UncountedAttempt = FinishedAttempt & { tick: number; isCarried: boolean };

type Row = {
  status: number;
  attempts: number;
  started_at: number;
  duration_ms: number;
  error: string | null;
  tick: number;
};

/**
 * @param after.tick of the last attempt that was counted. @param after.from the first and `to` the last sequence number
 *   that may have others.
 * @param after.withEarlier whether earlier attempts of deliveries count, too: in lanes of schema version 1, where
 *   failures were not counted on disk at once.
 * @returns the attempts, oldest first.
 */
export function findUncounted(
  sql: SqlStorage,
  days: DayTables,
  after: { tick: number; from: number; to: number; withEarlier: boolean },
): UncountedAttempt[] {
  const { tick, from, to, withEarlier } = after;
  const latest = days.from(from).flatMap((table) =>
    sql
      .exec<Row>(
        `SELECT status, attempts, started_at, duration_ms, error, tick FROM ${table}
         WHERE sequence BETWEEN ? AND ? AND tick > ?`,
        from,
        to,
        tick,
      )
      .toArray(),
  );
  const earlier = withEarlier
    ? sql
        .exec<Row>(
          `SELECT ${deliveryStatus.pending} AS status, 1 AS attempts, started_at, duration_ms, error, tick FROM attempts
           WHERE sequence >= ? AND tick > ?`,
          from,
          tick,
        )
        .toArray()
    : [];
  return [...earlier, ...latest]
    .toSorted((a, b) => a.tick - b.tick)
    .map((row) => ({
      startedAt: row.started_at,
      durationMs: row.duration_ms,
      delivered: row.error === null,
      dead: row.status === deliveryStatus.dead && row.error !== null,
      tick: row.tick,
      isCarried: row.attempts === 0,
    }));
}
