/**
 * How a webhook has fared lately: counts and latencies in buckets of five minutes over the last day. Kept in
 * memory and written with the lane's checkpoints, so that an attempt writes no row for it.
 */

export const bucketMs = 300_000;
/** A ring: a day and one hour, so that a window never meets the bucket that is being overwritten. */
const buckets = 300;

/** One finished attempt. `dead`: the delivery was given up with it. */
export type Counted = { startedAt: number; durationMs: number; delivered: boolean; dead: boolean };

/** One bucket. `latency[i]` counts attempts that took about 2^(i/4) ms. */
export type Bucket = { start: number; delivered: number; failed: number; dead: number; latency: number[] };

/** What an interval came to. `success_rate` from 0 to 1, latencies in ms; null where there was no attempt. */
export type Window = {
  attempts: number;
  success_rate: number | null;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
};

type Row = { start: number; delivered: number; failed: number; dead: number; latency: string };

export class Stats {
  readonly #sql: SqlStorage;
  readonly #buckets = new Map<number, Bucket>();
  readonly #dirty = new Set<number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS stats (
      slot INTEGER PRIMARY KEY,
      start INTEGER NOT NULL,
      delivered INTEGER NOT NULL,
      failed INTEGER NOT NULL,
      dead INTEGER NOT NULL,
      latency TEXT NOT NULL
    )`);
  }

  /** In memory only, until `flush`. */
  count({ startedAt, durationMs, delivered, dead }: Counted): void {
    const bucket = this.#bucketAt(startedAt);
    if (delivered) bucket.delivered += 1;
    else bucket.failed += 1;
    if (dead) bucket.dead += 1;
    const index = Math.round(4 * Math.log2(Math.max(durationMs, 1)));
    bucket.latency[index] = (bucket.latency[index] ?? 0) + 1;
    this.#dirty.add(slotOf(bucket.start));
  }

  /** Writes one row for each bucket that has changed. */
  flush(): void {
    for (const slot of this.#dirty) {
      const bucket = this.#buckets.get(slot);
      if (bucket === undefined) continue;
      this.#sql.exec(
        `INSERT INTO stats VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (slot) DO UPDATE SET start = excluded.start,
           delivered = excluded.delivered, failed = excluded.failed, dead = excluded.dead, latency = excluded.latency`,
        slot,
        bucket.start,
        bucket.delivered,
        bucket.failed,
        bucket.dead,
        JSON.stringify(Array.from(bucket.latency, (count) => count ?? 0)),
      );
    }
    this.#dirty.clear();
  }

  /** What the last `lengthMs` came to, to five minutes. */
  window(now: number, lengthMs: number): Window {
    let attempts = 0;
    let delivered = 0;
    const latency: number[] = [];
    for (const bucket of this.since(now - lengthMs)) {
      attempts += bucket.delivered + bucket.failed;
      delivered += bucket.delivered;
      for (const [index, count] of bucket.latency.entries()) {
        latency[index] = (latency[index] ?? 0) + (count ?? 0);
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

  /** The buckets that reach past a time, oldest first. */
  since(timeMs: number): Bucket[] {
    for (const { slot } of this.#sql.exec<{ slot: number }>("SELECT slot FROM stats")) this.#load(slot);
    return [...this.#buckets.values()]
      .filter((bucket) => bucket.start + bucketMs > timeMs)
      .toSorted((a, b) => a.start - b.start);
  }

  #bucketAt(timeMs: number): Bucket {
    const start = Math.floor(timeMs / bucketMs) * bucketMs;
    const slot = slotOf(start);
    const present = this.#load(slot);
    if (present?.start === start) return present;
    const bucket = { start, delivered: 0, failed: 0, dead: 0, latency: [] };
    this.#buckets.set(slot, bucket);
    return bucket;
  }

  #load(slot: number): Bucket | undefined {
    const present = this.#buckets.get(slot);
    if (present !== undefined) return present;
    const [row] = this.#sql.exec<Row>("SELECT * FROM stats WHERE slot = ?", slot).toArray();
    if (row === undefined) return undefined;
    const { start, delivered, failed, dead } = row;
    const bucket = { start, delivered, failed, dead, latency: JSON.parse(row.latency) as number[] };
    this.#buckets.set(slot, bucket);
    return bucket;
  }
}

function slotOf(start: number): number {
  return (start / bucketMs) % buckets;
}

/** The latency below which this share of the attempts stayed, to the width of a histogram's step (19 %). */
function percentile(latency: readonly number[], total: number, share: number): number | null {
  let left = total * share;
  for (const [index, count] of latency.entries()) {
    left -= count ?? 0;
    if (left <= 0 && total > 0) return Math.round(2 ** (index / 4));
  }
  return null;
}
