/**
 * A lane's counters in memory. A checkpoint writes them down with the lane's record. A first-time success behind it is counted
 * again from its row when the object starts: so it costs no row. All else makes the counters dirty.
 */
import type { DayTables } from "./day-tables";
import type { CountersChange } from "./delivery-state";
import type { Counters, LaneRecord } from "./lane-record";
import { findUncounted } from "./recover-counters";
import type { FinishedAttempt, Stats } from "./stats";

/** Attempts between two checkpoints: what came after the last one is counted again when the lane is opened. */
const attemptsPerCheckpoint = 200;

export class LaneCounters {
  readonly #stats: Stats;
  readonly #counters: Counters;
  /** Attempts of replays since the last checkpoint: no recount would find them. */
  #outside = 0;
  #isDirty = false;
  #lastStartedAt: number;

  /** Counts what was recorded after the checkpoint in `record`: the object was cut off from its memory. */
  constructor(parts: { sql: SqlStorage; days: DayTables; stats: Stats; record: LaneRecord }) {
    const { sql, days, stats, record } = parts;
    this.#stats = stats;
    this.#counters = { ...record.counters };
    this.#lastStartedAt = record.lastStartedAt;
    const { countFrom: from, countTo: to, counters, schemaVersion } = record;
    const range = { from, to, tick: counters.attempts, withEarlier: schemaVersion === 1 };
    for (const attempt of findUncounted(sql, days, range)) {
      if (attempt.isCarried) this.countCarried(attempt);
      else this.countSuccess(attempt);
      this.#counters.attempts = attempt.tick;
    }
  }

  get counters(): Readonly<Counters> {
    return this.#counters;
  }

  /** Whether they have what no recount would find: a checkpoint must follow. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** Whether it is time for a checkpoint. @param last the record that the last one wrote. */
  isFull(last: LaneRecord): boolean {
    return this.#counters.attempts - last.counters.attempts >= attemptsPerCheckpoint;
  }

  /** @returns what a checkpoint writes: it must be written at once. */
  checkpoint(): Pick<LaneRecord, "counters" | "lastStartedAt"> {
    this.#outside = 0;
    this.#isDirty = false;
    return { counters: { ...this.#counters }, lastStartedAt: this.#lastStartedAt };
  }

  /** Counts an attempt that a recount finds, under the tick `counters.attempts + 1`. */
  countSuccess(attempt: FinishedAttempt): void {
    this.#noteStart(attempt);
    this.#counters.attempts += 1;
    if (attempt.delivered || attempt.dead) this.#counters.finished += 1;
    if (attempt.delivered) this.#counters.delivered += 1;
    if (attempt.dead) this.#counters.dead += 1;
    this.#stats.count(attempt);
  }

  /** Counts a delivery that was delivered with a head's attempt, which is counted as a success: a recount finds both. */
  countCarried(attempt: FinishedAttempt): void {
    this.#counters.finished += 1;
    this.#counters.delivered += 1;
    this.#stats.countCarried(attempt);
  }

  /** Counts any other attempt of a partition's head, and what it changed: `checkpointIfDirty` must follow. */
  countOther(attempt: FinishedAttempt, change: CountersChange): void {
    this.#noteStart(attempt);
    this.#stats.count(attempt);
    this.adjust({ attempts: 1, ...change });
    this.#isDirty = true;
  }

  /**
   * Counts an attempt of a replay: until the next checkpoint the statistics have it in memory only, unless it changed
   * anything, and `checkpointIfDirty` follows.
   */
  countOutside(attempt: FinishedAttempt, change: CountersChange): void {
    this.#noteStart(attempt);
    this.#stats.count(attempt);
    this.adjust(change);
    this.#outside += 1;
    const isChanged = change.finished !== 0 || change.delivered !== 0 || change.dead !== 0;
    if (isChanged || this.#outside >= attemptsPerCheckpoint) this.#isDirty = true;
  }

  /** Changes the counts by so much. A checkpoint must follow at once: no recount would find it. */
  adjust(change: Partial<Counters>): void {
    this.#counters.attempts += change.attempts ?? 0;
    this.#counters.finished += change.finished ?? 0;
    this.#counters.delivered += change.delivered ?? 0;
    this.#counters.dead += change.dead ?? 0;
  }

  #noteStart({ startedAt }: FinishedAttempt): void {
    this.#lastStartedAt = Math.max(this.#lastStartedAt, startedAt);
  }
}
