/** Attempts before the latest one of each delivery, which lies in the delivery's own row. */
import { type Day, indexed, tableOf } from "./day-tables";

/** How many earlier attempts a step of the pruning removes: a row written for each. */
const droppedPerStep = 1000;

const latestAttemptColumns =
  "tick, started_at, duration_ms, response_status, error, response_headers, response_body";

export class EarlierAttempts {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS attempts (
      sequence INTEGER NOT NULL,
      number INTEGER NOT NULL,
      tick INTEGER NOT NULL,
      started_at INTEGER NOT NULL,
      duration_ms INTEGER NOT NULL,
      response_status INTEGER,
      error TEXT,
      response_headers TEXT NOT NULL,
      response_body TEXT NOT NULL,
      PRIMARY KEY (sequence, number)
    ) WITHOUT ROWID`);
  }

  /** Keeps the latest attempt of a delivery, whose row is about to take another one. @param table of its day. */
  keep(sequence: number, table: string): void {
    this.#sql.exec(
      `INSERT INTO attempts SELECT sequence, attempts, ${latestAttemptColumns} FROM ${table} WHERE sequence = ?`,
      sequence,
    );
  }

  /**
   * Removes earlier attempts of a day's deliveries that are to be pruned, so many at a time.
   * @returns whether there may be more.
   */
  drop(day: Day, last: number): boolean {
    const dropped = this.#sql.exec(
      `DELETE FROM attempts WHERE (sequence, number) IN (
         SELECT sequence, number FROM attempts WHERE sequence BETWEEN ? AND ? AND NOT EXISTS (
           SELECT 1 FROM ${tableOf(day)} AS kept WHERE kept.sequence = attempts.sequence AND ${indexed.dead}
         ) LIMIT ${droppedPerStep}
       )`,
      day.firstSequence,
      last,
    );
    return dropped.rowsWritten >= droppedPerStep;
  }

  /** Removes earlier attempts of all of a day's deliveries, dead letters included, so many at a time. @returns as `drop`. */
  dropAll(day: Day, last: number): boolean {
    const dropped = this.#sql.exec(
      `DELETE FROM attempts WHERE (sequence, number) IN (
         SELECT sequence, number FROM attempts WHERE sequence BETWEEN ? AND ? LIMIT ${droppedPerStep}
       )`,
      day.firstSequence,
      last,
    );
    return dropped.rowsWritten >= droppedPerStep;
  }
}
