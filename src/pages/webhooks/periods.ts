/** Groups a lane's history into equal periods up to now, oldest first, for charts. */
import { type Bucket, type Window, windowOf } from "../../lane/stats";

const minuteMs = 60_000;

/** The time ranges of the charts: period length, number of periods, and names for labels. */
export const ranges = {
  day: { periodMs: 30 * minuteMs, periods: 48, name: "last 24 hours", period: "30 minutes" },
  hour: { periodMs: 5 * minuteMs, periods: 12, name: "last hour", period: "5 minutes" },
} as const;

/** A time range of the charts. */
export type Range = keyof typeof ranges;

/**
 * A period that starts at `start` (ms). `retried`: failed attempts that are retried; `dead`: deliveries that became dead
 * letters after their last attempt or by hand.
 */
export type Period = { start: number; delivered: number; retried: number; dead: number } & Window;

/** @param history covers at least the range; each bucket lies within one period. @param now in ms. */
export function periodsOf(history: readonly Bucket[], range: Range, now: number): Period[] {
  const { periodMs, periods } = ranges[range];
  return inPeriods(history, { periodMs, periods, now });
}

/** @returns the periods for the table: hours for a day, and the periods of the charts for an hour. */
export function tablePeriodsOf(history: readonly Bucket[], range: Range, now: number): Period[] {
  if (range === "hour") return periodsOf(history, range, now);
  return inPeriods(history, { periodMs: 60 * minuteMs, periods: 24, now });
}

function inPeriods(
  history: readonly Bucket[],
  { periodMs, periods, now }: { periodMs: number; periods: number; now: number },
): Period[] {
  const end = (Math.floor(now / periodMs) + 1) * periodMs;
  return Array.from({ length: periods }, (_, index) => {
    const start = end - (periods - index) * periodMs;
    const within = history.filter((bucket) => bucket.start >= start && bucket.start < start + periodMs);
    const dead = sum(within, "dead");
    return {
      start,
      delivered: sum(within, "delivered") + sum(within, "carried"),
      retried: sum(within, "failed") - dead,
      dead: dead + sum(within, "skipped") + sum(within, "carriedDead"),
      ...windowOf(within),
    };
  });
}

function sum(
  buckets: readonly Bucket[],
  what: "delivered" | "failed" | "dead" | "skipped" | "carried" | "carriedDead",
): number {
  return buckets.reduce((total, bucket) => total + (bucket[what] ?? 0), 0);
}
