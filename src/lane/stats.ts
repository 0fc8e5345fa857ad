/**
 * A webhook's statistics: counts and latencies of the last day, in buckets of five minutes. They are kept in memory and
 * written with the lane's checkpoints, all in one row, so that an attempt writes no row for them.
 */

const bucketMs = 300_000;
/** How long a bucket is kept: longer than any window. */
const keptMs = 90_000_000;

/** A finished attempt; times in ms. `dead`: whether the delivery was given up with it. */
export type FinishedAttempt = { startedAt: number; durationMs: number; delivered: boolean; dead: boolean };

/**
 * A bucket that starts at `start` (ms). `failed` includes `dead`. `latency[i]` counts attempts that took about 2^(i/4)
 * ms. `skipped`: deliveries that a person gave up; absent when nobody did. `carried`, `carriedDead`: deliveries that
 * the message of another one delivered, or that were given up with it; absent without any.
 */
export type Bucket = {
  start: number;
  delivered: number;
  failed: number;
  dead: number;
  latency: number[];
  skipped?: number;
  carried?: number;
  carriedDead?: number;
};

/** The statistics of a time window. `success_rate` from 0 to 1, latencies in ms; null without attempts. */
export type Window = {
  attempts: number;
  success_rate: number | null;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
};

/** The statistics of one lane. */
export class Stats {
  readonly #sql: SqlStorage;
  /** By their start. */
  readonly #buckets: Map<number, Bucket>;
  #isDirty = false;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS buckets (id INTEGER PRIMARY KEY CHECK (id = 1), buckets TEXT NOT NULL)",
    );
    const [row] = sql.exec<{ buckets: string }>("SELECT buckets FROM buckets").toArray();
    const kept = row === undefined ? [] : (JSON.parse(row.buckets) as Bucket[]);
    this.#buckets = new Map(kept.map((bucket) => [bucket.start, bucket]));
  }

  /** Counts an attempt. In memory only, until `flush`. */
  count({ startedAt, durationMs, delivered, dead }: FinishedAttempt): void {
    const bucket = this.#bucketAt(startedAt);
    if (delivered) bucket.delivered += 1;
    else bucket.failed += 1;
    if (dead) bucket.dead += 1;
    const index = Math.round(4 * Math.log2(Math.max(durationMs, 1)));
    while (bucket.latency.length <= index) bucket.latency.push(0);
    bucket.latency[index] = (bucket.latency[index] ?? 0) + 1;
    this.#isDirty = true;
  }

  /** Counts a delivery that ended with another one's attempt. In memory only, until `flush`. */
  countCarried({ startedAt, dead }: Pick<FinishedAttempt, "startedAt" | "dead">): void {
    const bucket = this.#bucketAt(startedAt);
    if (dead) bucket.carriedDead = (bucket.carriedDead ?? 0) + 1;
    else bucket.carried = (bucket.carried ?? 0) + 1;
    this.#isDirty = true;
  }

  /** Counts a delivery that a person gave up. In memory only, until `flush`. */
  countSkipped(now: number): void {
    const bucket = this.#bucketAt(now);
    bucket.skipped = (bucket.skipped ?? 0) + 1;
    this.#isDirty = true;
  }

  /** Writes one row, if anything has changed. */
  flush(): void {
    if (!this.#isDirty) return;
    const newest = Math.max(...this.#buckets.keys());
    for (const start of this.#buckets.keys()) if (start < newest - keptMs) this.#buckets.delete(start);
    this.#sql.exec(
      "INSERT INTO buckets VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET buckets = excluded.buckets",
      JSON.stringify([...this.#buckets.values()]),
    );
    this.#isDirty = false;
  }

  /** @returns the statistics of the last `lengthMs`, rounded to buckets. */
  window(now: number, lengthMs: number): Window {
    return windowOf(this.since(now - lengthMs));
  }

  /** @returns the buckets that end after a time (ms), oldest first. */
  since(timeMs: number): Bucket[] {
    return [...this.#buckets.values()]
      .filter((bucket) => bucket.start + bucketMs > timeMs)
      .toSorted((a, b) => a.start - b.start);
  }

  #bucketAt(timeMs: number): Bucket {
    const start = Math.floor(timeMs / bucketMs) * bucketMs;
    const present = this.#buckets.get(start);
    if (present !== undefined) return present;
    const bucket = { start, delivered: 0, failed: 0, dead: 0, latency: [] };
    this.#buckets.set(start, bucket);
    return bucket;
  }
}

/** @returns the statistics of these buckets. */
export function windowOf(buckets: readonly Bucket[]): Window {
  let attempts = 0;
  let delivered = 0;
  const latency: number[] = [];
  for (const bucket of buckets) {
    attempts += bucket.delivered + bucket.failed;
    delivered += bucket.delivered;
    for (const [index, count] of bucket.latency.entries()) {
      latency[index] = (latency[index] ?? 0) + count;
    }
  }
  return {
    attempts,
    success_rate: attempts === 0 ? null : delivered / attempts,
    p50_ms: percentile(latency, attempts, 0.5),
    p95_ms: percentile(latency, attempts, 0.95),
    p99_ms: percentile(latency, attempts, 0.99),
  };
}

/**
 * @returns the latency in ms below which this share of the attempts stayed, exact to a step of the histogram (19 %);
 *   null without attempts.
 */
function percentile(latency: readonly number[], total: number, share: number): number | null {
  let left = total * share;
  for (const [index, count] of latency.entries()) {
    left -= count;
    if (left <= 0 && total > 0) return Math.round(2 ** (index / 4));
  }
  return null;
}
