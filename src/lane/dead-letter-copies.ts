/**
 * Copies the dead letters of a day that is pruned, in steps, to the table that replaces the day's table in the end. The
 * copy itself shows how far it got, so that an eviction loses nothing.
 */
import {
  copyIndexPrefix,
  copyTableOf,
  createIndexes,
  createTable,
  type Day,
  type DayTables,
  indexed,
  tableOf,
} from "./day-tables";
import type { SequenceRange } from "./replays";

/** The most dead letters of one step, because each may have 1 MB, and about 100 earlier attempts. */
const copiedPerStep = 100;

/** The copies of one lane. */
export class DeadLetterCopies {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;

  constructor(sql: SqlStorage, days: DayTables) {
    this.#sql = sql;
    this.#days = days;
  }

  /**
   * @param last the day's last sequence number.
   * @returns the next sequence numbers to copy, which have a bounded number of dead letters, up to `last` in the end.
   */
  next(day: Day, last: number): SequenceRange {
    this.#open(day);
    const copied = `SELECT max(sequence) AS last FROM ${copyTableOf(day)}`;
    const from = (this.#sql.exec<{ last: number | null }>(copied).one().last ?? day.firstSequence - 1) + 1;
    const [end] = this.#sql
      .exec<{ sequence: number }>(
        `SELECT sequence FROM ${this.#days.by("dead", tableOf(day))} WHERE ${indexed.dead} AND sequence >= ?
         ORDER BY sequence LIMIT 1 OFFSET ${copiedPerStep - 1}`,
        from,
      )
      .toArray();
    return { from, to: end?.sequence ?? last };
  }

  /** Copies the dead letters of a range that `next` returned. Writes two rows for each. */
  copy(day: Day, { from, to }: SequenceRange): void {
    this.#sql.exec(
      `INSERT INTO ${copyTableOf(day)} SELECT * FROM ${this.#days.by("dead", tableOf(day))}
       WHERE ${indexed.dead} AND sequence BETWEEN ? AND ?`,
      from,
      to,
    );
  }

  /** Creates a day's copy. A copied dead letter that is resent meanwhile changes there, too. */
  #open(day: Day): void {
    const [table, copy] = [tableOf(day), copyTableOf(day)];
    this.#sql.exec(createTable(copy));
    for (const statement of createIndexes(day, { table: copy, prefix: copyIndexPrefix })) {
      this.#sql.exec(statement);
    }
    this.#sql.exec(
      `CREATE TRIGGER IF NOT EXISTS ${copy}_changed AFTER UPDATE ON ${table} BEGIN
         INSERT OR REPLACE INTO ${copy} SELECT * FROM ${table}
         WHERE sequence = new.sequence AND sequence IN (SELECT sequence FROM ${copy});
       END`,
    );
  }
}
