/**
 * The tables of a lane's deliveries, one per day of acceptance (UTC). Dropping a table writes no rows, so that removing
 * old deliveries costs nothing. The table `days` has the first sequence number of each day.
 */
import { deliveryStatus } from "./delivery-state";

const dayMs = 86_400_000;

/** A day's table. `day`: days since 1970, UTC. `onlyDead`: whether only its dead letters are left. */
export type Day = { day: number; firstSequence: number; onlyDead: boolean };

/** @returns the day number (days since 1970, UTC) of a time in ms. */
function dayOf(timeMs: number): number {
  return Math.floor(timeMs / dayMs);
}

/** @returns the end of a day, in ms: the start of the next one. */
export function endOf(day: Day): number {
  return (day.day + 1) * dayMs;
}

/** @returns the name of a day's table. It is safe in SQL text, because it is made from an integer. */
export function tableOf(day: Day): string {
  return `deliveries_${day.day}`;
}

/** @returns the name of the table to which a day's dead letters are copied (`DeadLetterCopies`). */
export function copyTableOf(day: Day): string {
  return `${tableOf(day)}_dead`;
}

/** SQL: the conditions of the partial indexes. A query must contain them literally to use the index. */
export const indexed = {
  failed: `status IN (${deliveryStatus.pending}, ${deliveryStatus.replaying}) AND attempts > 0`,
  dead: `status = ${deliveryStatus.dead}`,
};

/** The prefix of the names of a copy's indexes. They keep their names when the copy replaces the day's table. */
export const copyIndexPrefix = "copy_";

type Row = { day: number; first_sequence: number; thinned: number };

/** The tables of one lane, oldest first. */
export class DayTables {
  readonly #sql: SqlStorage;
  #days: Day[];
  /**
   * The tables that have their partial indexes, with the prefix of the indexes' names. Tables of earlier versions get
   * them later, or never if only dead letters are left.
   */
  readonly #indexed = new Map<string, string>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS days (
      day INTEGER PRIMARY KEY, first_sequence INTEGER NOT NULL, thinned INTEGER NOT NULL DEFAULT 0
    )`);
    this.#days = this.#read();
    const indexes = "SELECT tbl_name, name FROM sqlite_master WHERE type = 'index' AND name LIKE '%failed_%'";
    for (const { tbl_name: table, name } of sql.exec<{ tbl_name: string; name: string }>(indexes)) {
      this.#indexed.set(table, name.slice(0, name.indexOf("failed_")));
    }
  }

  /** Reads the list of tables again, after a transaction was rolled back. */
  reload(): void {
    this.#days = this.#read();
  }

  /** All days, oldest first. */
  get all(): readonly Day[] {
    return this.#days;
  }

  /** @returns the table for deliveries that are accepted now. Creates it for the first one of a day. */
  current(nowMs: number, nextSequence: number): string {
    const last = this.#days.at(-1);
    // If the clock was set back, the later table is used: sequence numbers and days must rise together.
    if (last !== undefined && last.day >= dayOf(nowMs)) return tableOf(last);
    const day = { day: dayOf(nowMs), firstSequence: nextSequence, onlyDead: false };
    this.#sql.exec(createTable(tableOf(day)));
    this.addIndexes(day);
    this.#sql.exec("INSERT INTO days (day, first_sequence) VALUES (?, ?)", day.day, day.firstSequence);
    this.#days.push(day);
    return tableOf(day);
  }

  /**
   * Creates the partial indexes of a day's table, if it has none. They contain deliveries that wait for a retry, and
   * dead letters. A delivery that succeeds at the first attempt is never in them, so that they cost it no row.
   */
  addIndexes(day: Day): void {
    const table = tableOf(day);
    if (day.onlyDead || this.#indexed.has(table)) return;
    for (const statement of createIndexes(day, { table, prefix: "" })) this.#sql.exec(statement);
    this.#indexed.set(table, "");
  }

  /** @returns the newest day whose table lacks its indexes; null when there is none. */
  withoutIndexes(): Day | null {
    return this.#days.findLast((day) => !day.onlyDead && !this.#indexed.has(tableOf(day))) ?? null;
  }

  /**
   * @returns SQL to follow FROM, for reading a table by one of its partial indexes. The query's condition must be
   *   `indexed[kind]`.
   */
  by(kind: keyof typeof indexed, table: string): string {
    const day = table.slice(table.lastIndexOf("_") + 1);
    const prefix = this.#indexed.get(table);
    return prefix === undefined ? table : `${table} INDEXED BY ${prefix}${kind}_${day}`;
  }

  /** @returns the table with this sequence number; null when it was dropped, or never existed. */
  of(sequence: number): string | null {
    const day = this.#days.findLast((candidate) => candidate.firstSequence <= sequence);
    return day === undefined ? null : tableOf(day);
  }

  /** @returns the tables that may have this sequence number or later ones, oldest first. */
  from(sequence: number): string[] {
    const first = this.#days.findLastIndex((day) => day.firstSequence <= sequence);
    return this.#days.slice(Math.max(first, 0)).map(tableOf);
  }

  /** @returns the tables that may have this sequence number or earlier ones, newest first. */
  downFrom(sequence: number): string[] {
    return this.#days
      .filter((day) => day.firstSequence <= sequence)
      .map(tableOf)
      .toReversed();
  }

  /** @returns the highest sequence number that the tables know; null without tables. */
  lastSequence(): number | null {
    const last = this.#days.at(-1);
    if (last === undefined) return null;
    const query = `SELECT max(sequence) AS sequence FROM ${tableOf(last)}`;
    return this.#sql.exec<{ sequence: number | null }>(query).one().sequence ?? last.firstSequence - 1;
  }

  /** @returns when the latest delivery in the tables was accepted, in ms; 0 without any. */
  lastAcceptedAt(): number {
    const last = this.#days.at(-1);
    if (last === undefined) return 0;
    const query = `SELECT accepted_at FROM ${tableOf(last)} ORDER BY sequence DESC LIMIT 1`;
    const [row] = this.#sql.exec<{ accepted_at: number }>(query).toArray();
    return row?.accepted_at ?? 0;
  }

  /**
   * @returns a sequence number that separates the deliveries accepted before a time (ms) from later ones. It is found
   *   by bisection, because sequence numbers and times rise together. Pruned days have gaps.
   */
  firstSequenceSince(timeMs: number): number {
    let low = this.#days[0]?.firstSequence ?? 1;
    let high = (this.lastSequence() ?? 0) + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const next = this.#firstFrom(middle);
      if (next === null || next.accepted_at >= timeMs) high = middle;
      else low = next.sequence + 1;
    }
    return low;
  }

  #firstFrom(sequence: number): { sequence: number; accepted_at: number } | null {
    for (const table of this.from(sequence)) {
      const [row] = this.#sql
        .exec<{ sequence: number; accepted_at: number }>(
          `SELECT sequence, accepted_at FROM ${table} WHERE sequence >= ? ORDER BY sequence LIMIT 1`,
          sequence,
        )
        .toArray();
      if (row !== undefined) return row;
    }
    return null;
  }

  /** Drops a day's table. Writes one row. */
  drop(day: Day): void {
    this.#sql.exec(`DROP TABLE ${tableOf(day)}`);
    this.#sql.exec(`DROP TABLE IF EXISTS ${copyTableOf(day)}`);
    this.#sql.exec("DELETE FROM days WHERE day = ?", day.day);
    this.#days.splice(this.#days.indexOf(day), 1);
    this.#indexed.delete(tableOf(day));
  }

  /** Replaces a day's table by the copy of its dead letters. Writes one row. */
  keepOnlyDead(day: Day): void {
    const table = tableOf(day);
    this.#sql.exec(`DROP TABLE ${table}`);
    this.#sql.exec(`ALTER TABLE ${copyTableOf(day)} RENAME TO ${table}`);
    this.#sql.exec("UPDATE days SET thinned = 1 WHERE day = ?", day.day);
    day.onlyDead = true;
    this.#indexed.set(table, copyIndexPrefix);
  }

  #read(): Day[] {
    return this.#sql
      .exec<Row>("SELECT * FROM days ORDER BY day")
      .toArray()
      .map((row) => ({ day: row.day, firstSequence: row.first_sequence, onlyDead: row.thinned === 1 }));
  }
}

/** @returns SQL that creates the partial indexes of a day's table, or of the copy of its dead letters. */
export function createIndexes({ day }: Day, { table, prefix }: { table: string; prefix: string }): string[] {
  return (["failed", "dead"] as const).map(
    (kind) =>
      `CREATE INDEX IF NOT EXISTS ${prefix}${kind}_${day} ON ${table} (sequence) WHERE ${indexed[kind]}`,
  );
}

/**
 * @returns SQL that creates a table with one row per delivery. The result of the latest attempt is in the row itself,
 *   so that a delivery that succeeds at the first attempt writes one row when it is accepted and one when it is
 *   delivered. The wide columns come last, so that scans do not read them.
 */
export function createTable(name: string): string {
  return `CREATE TABLE IF NOT EXISTS ${name} (
    sequence INTEGER PRIMARY KEY,
    status INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    tick INTEGER NOT NULL DEFAULT 0,
    accepted_at INTEGER NOT NULL,
    next_attempt_at INTEGER,
    aged_from INTEGER,
    delivered_at INTEGER,
    event_uuid TEXT NOT NULL,
    event_type TEXT NOT NULL,
    line TEXT NOT NULL,
    started_at INTEGER,
    duration_ms INTEGER,
    response_status INTEGER,
    error TEXT,
    config_version INTEGER,
    request_headers TEXT,
    response_headers TEXT,
    response_body TEXT,
    event TEXT NOT NULL
  )`;
}
