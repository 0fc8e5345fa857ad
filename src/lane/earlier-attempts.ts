/** The attempts of deliveries except the latest one, which is in the delivery's own row. */
import { type Day, indexed, tableOf } from "./day-tables";
import type { SequenceRange } from "./replays";

/** How many attempts a step of pruning removes. Each costs a written row. */
const droppedPerStep = 1000;

const latestAttemptColumns =
  "tick, started_at, duration_ms, response_status, error, response_headers, response_body";

/** The earlier attempts of a lane's deliveries. */
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

  /** Stores the latest attempt of a delivery, before another one replaces it in the row. @param table of its day. */
  keep(sequence: number, table: string): void {
    this.#sql.exec(
      `INSERT INTO attempts SELECT sequence, attempts, ${latestAttemptColumns} FROM ${table} WHERE sequence = ?`,
      sequence,
    );
  }

  /**
   * Removes attempts of a day's deliveries in a range, at most `droppedPerStep`; those of dead letters are kept, and
   * passed over.
   * @returns whether there may be more.
   */
  drop(day: Day, { from, to }: SequenceRange): boolean {
    const dropped = this.#sql.exec(
      `DELETE FROM attempts WHERE (sequence, number) IN (
         SELECT sequence, number FROM attempts WHERE sequence BETWEEN ? AND ? AND NOT EXISTS (
           SELECT 1 FROM ${tableOf(day)} AS kept WHERE kept.sequence = attempts.sequence AND ${indexed.dead}
         ) LIMIT ${droppedPerStep}
       )`,
      from,
      to,
    );
    return dropped.rowsWritten >= droppedPerStep;
  }

  /**
   * Removes attempts of all of a day's deliveries, including dead letters, at most `droppedPerStep`. @param last
   * the day's last sequence number. @returns as `drop`.
   */
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
