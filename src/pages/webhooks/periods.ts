/** A lane's history, put together for charts: equal periods up to now, oldest first. */
import { type Bucket, type Window, windowOf } from "../../lane/stats";

const minuteMs = 60_000;

/** Lengths of time that are charted: of each period, how many, and what to call them. */
export const ranges = {
  day: { periodMs: 30 * minuteMs, periods: 48, name: "last day", period: "a half hour" },
  hour: { periodMs: 5 * minuteMs, periods: 12, name: "last hour", period: "five minutes" },
} as const;

export type Range = keyof typeof ranges;

/**
 * What happened in a period that begins at `start` (ms). `retried`: attempts that failed and are followed by another;
 * `dead`: deliveries that were given up, by their last attempt or by a person.
 */
export type Period = { start: number; delivered: number; retried: number; dead: number } & Window;

/** @param history of at least that long, in buckets that fit into the periods. */
export function periodsOf(history: readonly Bucket[], range: Range, now: number): Period[] {
  const { periodMs, periods } = ranges[range];
  return inPeriods(history, { periodMs, periods, now });
}

/** The same, for a table: 24 hours, or as it is charted. */
export function rowsOf(history: readonly Bucket[], range: Range, now: number): Period[] {
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
      delivered: sum(within, "delivered"),
      retried: sum(within, "failed") - dead,
      dead: dead + sum(within, "skipped"),
      ...windowOf(within),
    };
  });
}

function sum(buckets: readonly Bucket[], what: "delivered" | "failed" | "dead" | "skipped"): number {
  return buckets.reduce((total, bucket) => total + (bucket[what] ?? 0), 0);
}
