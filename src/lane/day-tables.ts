/**
 * Deliveries lie in one table per day of acceptance (UTC): dropping a table writes no rows, so that what is
 * past its time costs nothing to remove. `days` says which sequences lie where.
 */
import { deliveryStatus } from "./delivery-state";

const dayMs = 86_400_000;

/** One table. `onlyDead`: only its dead letters are left. */
export type Day = { day: number; firstSequence: number; onlyDead: boolean };

/** The day number (days since 1970, UTC) of a time in ms. */
function dayOf(timeMs: number): number {
  return Math.floor(timeMs / dayMs);
}

/** The first moment after a day, in ms. */
export function endOf(day: Day): number {
  return (day.day + 1) * dayMs;
}

/** The name of a day's table: made of an integer only, so it is safe inside SQL text. */
export function tableOf(day: Day): string {
  return `deliveries_${day.day}`;
}

/** The conditions of the partial indexes: a query has to say them in the same words. */
export const indexed = {
  failed: `status IN (${deliveryStatus.pending}, ${deliveryStatus.replaying}) AND attempts > 0`,
  dead: `status = ${deliveryStatus.dead}`,
};

type Row = { day: number; first_sequence: number; thinned: number };

/** The tables of one lane, oldest first. */
export class DayTables {
  readonly #sql: SqlStorage;
  #days: Day[];
  /** The tables that have their partial indexes: those with only dead letters need none, and those of earlier versions get them later. */
  readonly #indexed = new Set<string>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS days (
      day INTEGER PRIMARY KEY, first_sequence INTEGER NOT NULL, thinned INTEGER NOT NULL DEFAULT 0
    )`);
    this.#days = this.#read();
    const indexes =
      "SELECT tbl_name AS name FROM sqlite_master WHERE type = 'index' AND name LIKE 'failed_%'";
    for (const { name } of sql.exec<{ name: string }>(indexes)) this.#indexed.add(name);
  }

  /** Reads anew which tables there are, after a transaction was undone. */
  reload(): void {
    this.#days = this.#read();
  }

  get all(): readonly Day[] {
    return this.#days;
  }

  /** The table for deliveries accepted now, made when it is the day's first. */
  current(nowMs: number, nextSequence: number): string {
    const last = this.#days.at(-1);
    // A clock that goes back stays in the later table: sequences and days rise together.
    if (last !== undefined && last.day >= dayOf(nowMs)) return tableOf(last);
    const day = { day: dayOf(nowMs), firstSequence: nextSequence, onlyDead: false };
    this.#sql.exec(createTable(tableOf(day)));
    this.addIndexes(day);
    this.#sql.exec("INSERT INTO days (day, first_sequence) VALUES (?, ?)", day.day, day.firstSequence);
    this.#days.push(day);
    return tableOf(day);
  }

  /**
   * Makes the partial indexes of a day's table, if it has none. They hold what failed and waits, and what is dead: a
   * first-time success is never in them, and writes no row for them.
   */
  addIndexes(day: Day): void {
    const table = tableOf(day);
    if (day.onlyDead || this.#indexed.has(table)) return;
    for (const kind of ["failed", "dead"] as const) {
      this.#sql.exec(
        `CREATE INDEX IF NOT EXISTS ${kind}_${day.day} ON ${table} (sequence) WHERE ${indexed[kind]}`,
      );
    }
    this.#indexed.add(table);
  }

  /** The first table without indexes that should have them, newest first; null when there is none. */
  withoutIndexes(): Day | null {
    return this.#days.findLast((day) => !day.onlyDead && !this.#indexed.has(tableOf(day))) ?? null;
  }

  /** What stands behind FROM to read a table by one of its partial indexes. The query's condition must be `indexed[kind]`. */
  by(kind: keyof typeof indexed, table: string): string {
    const day = table.slice(table.lastIndexOf("_") + 1);
    return this.#indexed.has(table) ? `${table} INDEXED BY ${kind}_${day}` : table;
  }

  /** The table that holds this sequence, or null when it was dropped or never given. */
  of(sequence: number): string | null {
    const day = this.#days.findLast((candidate) => candidate.firstSequence <= sequence);
    return day === undefined ? null : tableOf(day);
  }

  /** The tables that may hold this sequence or later ones, oldest first. */
  from(sequence: number): string[] {
    const first = this.#days.findLastIndex((day) => day.firstSequence <= sequence);
    return this.#days.slice(Math.max(first, 0)).map(tableOf);
  }

  /** The tables that may hold this sequence or earlier ones, newest first. */
  downFrom(sequence: number): string[] {
    return this.#days
      .filter((day) => day.firstSequence <= sequence)
      .map(tableOf)
      .toReversed();
  }

  /** The highest sequence given, as far as tables remember; null without any. */
  lastSequence(): number | null {
    const last = this.#days.at(-1);
    if (last === undefined) return null;
    const query = `SELECT max(sequence) AS sequence FROM ${tableOf(last)}`;
    return this.#sql.exec<{ sequence: number | null }>(query).one().sequence ?? last.firstSequence - 1;
  }

  /** When the latest delivery was accepted, in ms, as far as tables remember; 0 without any. */
  lastAcceptedAt(): number {
    const last = this.#days.at(-1);
    if (last === undefined) return 0;
    const query = `SELECT accepted_at FROM ${tableOf(last)} ORDER BY sequence DESC LIMIT 1`;
    const [row] = this.#sql.exec<{ accepted_at: number }>(query).toArray();
    return row?.accepted_at ?? 0;
  }

  /**
   * A sequence before which everything was accepted before a time (ms), and from which on nothing was. By bisection:
   * sequences and times rise together. Of a pruned day most sequences are gone.
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

  /** Removes a day's table: no rows written but one. */
  drop(day: Day): void {
    this.#sql.exec(`DROP TABLE ${tableOf(day)}`);
    this.#sql.exec("DELETE FROM days WHERE day = ?", day.day);
    this.#days.splice(this.#days.indexOf(day), 1);
    this.#indexed.delete(tableOf(day));
  }

  /** Leaves only the rows of a status in a day's table: a row written for each of them. */
  keepOnlyDead(day: Day, status: number): void {
    const table = tableOf(day);
    this.#sql.exec(createTable(`${table}_kept`));
    this.#sql.exec(`INSERT INTO ${table}_kept SELECT * FROM ${table} WHERE status = ?`, status);
    this.#sql.exec(`DROP TABLE ${table}`);
    this.#sql.exec(`ALTER TABLE ${table}_kept RENAME TO ${table}`);
    this.#sql.exec("UPDATE days SET thinned = 1 WHERE day = ?", day.day);
    day.onlyDead = true;
    this.#indexed.delete(table);
  }

  #read(): Day[] {
    return this.#sql
      .exec<Row>("SELECT * FROM days ORDER BY day")
      .toArray()
      .map((row) => ({ day: row.day, firstSequence: row.first_sequence, onlyDead: row.thinned === 1 }));
  }
}

/**
 * One row per delivery; the latest attempt's result lies in the row itself, so a first-time success writes one
 * row when it is accepted and one when it is done. The wide columns come last: a scan does not read them.
 */
function createTable(name: string): string {
  return `CREATE TABLE ${name} (
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
