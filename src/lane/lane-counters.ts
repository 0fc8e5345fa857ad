/**
 * A lane's counters in memory. A checkpoint stores them in the lane's record. First-attempt successes after the
 * checkpoint are counted again from their rows when the object starts, so that counting them costs no row. All other
 * changes make the counters dirty.
 */
import type { DayTables } from "./day-tables";
import type { CountersChange } from "./delivery-state";
import type { Counters, LaneRecord } from "./lane-record";
import { findUncounted } from "./recover-counters";
import type { FinishedAttempt, Stats } from "./stats";

/** Attempts between two checkpoints. Attempts after the last checkpoint are counted again when the lane is opened. */
const attemptsPerCheckpoint = 200;

/** The counters of one lane. */
export class LaneCounters {
  readonly #stats: Stats;
  readonly #counters: Counters;
  /** Attempts of replays since the last checkpoint, which a recount would not find. */
  #outside = 0;
  #isDirty = false;
  #lastStartedAt: number;

  /** Counts the attempts that were recorded after the checkpoint in `record`, because the object lost its memory. */
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

  /** Whether they contain changes that a recount would not find: a checkpoint must follow. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** Whether it is time for a checkpoint. @param last the record that the last one wrote. */
  isFull(last: LaneRecord): boolean {
    return this.#counters.attempts - last.counters.attempts >= attemptsPerCheckpoint;
  }

  /** @returns the part of the record that a checkpoint stores. The caller must store it at once. */
  checkpoint(): Pick<LaneRecord, "counters" | "lastStartedAt"> {
    this.#outside = 0;
    this.#isDirty = false;
    return { counters: { ...this.#counters }, lastStartedAt: this.#lastStartedAt };
  }

  /** Counts an attempt that a recount finds, recorded with the tick `counters.attempts + 1`. */
  countSuccess(attempt: FinishedAttempt): void {
    this.#noteStart(attempt);
    this.#counters.attempts += 1;
    if (attempt.delivered || attempt.dead) this.#counters.finished += 1;
    if (attempt.delivered) this.#counters.delivered += 1;
    if (attempt.dead) this.#counters.dead += 1;
    this.#stats.count(attempt);
  }

  /** Counts a delivery that a head's successful attempt carried. A recount finds both. */
  countCarried(attempt: FinishedAttempt): void {
    this.#counters.finished += 1;
    this.#counters.delivered += 1;
    this.#stats.countCarried(attempt);
  }

  /** Counts any other attempt of a partition's head, and its change: `checkpointIfDirty` must follow. */
  countOther(attempt: FinishedAttempt, change: CountersChange): void {
    this.#noteStart(attempt);
    this.#stats.count(attempt);
    this.adjust({ attempts: 1, ...change });
    this.#isDirty = true;
  }

  /**
   * Counts an attempt of a replay: `checkpointIfDirty` must follow. If the attempt changed no counter, it is only in
   * memory until the next checkpoint.
   */
  countOutside(attempt: FinishedAttempt, change: CountersChange): void {
    this.#noteStart(attempt);
    this.#stats.count(attempt);
    this.adjust(change);
    this.#outside += 1;
    const isChanged = change.finished !== 0 || change.delivered !== 0 || change.dead !== 0;
    if (isChanged || this.#outside >= attemptsPerCheckpoint) this.#isDirty = true;
  }

  /** Changes the counters. A checkpoint must follow at once, because a recount would not find the change. */
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
