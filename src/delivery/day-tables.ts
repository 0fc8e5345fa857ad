/**
 * Deliveries lie in one table per day of acceptance (UTC): dropping a table writes no rows, so that what is
 * past its time costs nothing to remove. `days` says which sequences lie where.
 */

const dayMs = 86_400_000;

export type Day = { day: number; firstSequence: number };

/** The day number (days since 1970, UTC) of a time in ms. */
export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / dayMs);
}

/** The tables of one lane, oldest first. Names are made of integers only, so they are safe inside SQL text. */
export class DayTables {
  readonly #sql: SqlStorage;
  readonly #days: Day[];

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS days (day INTEGER PRIMARY KEY, first_sequence INTEGER NOT NULL)`);
    this.#days = sql
      .exec<{ day: number; first_sequence: number }>("SELECT day, first_sequence FROM days ORDER BY day")
      .toArray()
      .map((row) => ({ day: row.day, firstSequence: row.first_sequence }));
  }

  /** The table for deliveries accepted now, made when it is the day's first. */
  current(nowMs: number, nextSequence: number): string {
    const last = this.#days.at(-1);
    // A clock that goes back stays in the later table: sequences and days rise together.
    if (last !== undefined && last.day >= dayOf(nowMs)) return tableName(last);
    const day = { day: dayOf(nowMs), firstSequence: nextSequence };
    this.#sql.exec(deliveryTable(tableName(day)));
    this.#sql.exec("INSERT INTO days VALUES (?, ?)", day.day, day.firstSequence);
    this.#days.push(day);
    return tableName(day);
  }

  /** The table that holds this sequence, or null when it was pruned or never given. */
  of(sequence: number): string | null {
    const day = this.#days.findLast((candidate) => candidate.firstSequence <= sequence);
    return day === undefined ? null : tableName(day);
  }

  /** The tables that may hold this sequence or later ones, oldest first. */
  from(sequence: number): string[] {
    const first = this.#days.findLastIndex((day) => day.firstSequence <= sequence);
    return this.#days.slice(Math.max(first, 0)).map(tableName);
  }

  /** The highest sequence given, as far as tables remember. */
  lastSequence(): number | null {
    const last = this.#days.at(-1);
    if (last === undefined) return null;
    return (
      this.#sql
        .exec<{ sequence: number | null }>(`SELECT max(sequence) AS sequence FROM ${tableName(last)}`)
        .one().sequence ?? last.firstSequence - 1
    );
  }
}

function tableName(day: Day): string {
  return `deliveries_${day.day}`;
}

/**
 * One row per delivery; the latest attempt's result lies in the row itself, so a first-time success writes one
 * row when it is accepted and one when it is done. The wide columns come last: a scan does not read them.
 */
function deliveryTable(name: string): string {
  return `CREATE TABLE ${name} (
    sequence INTEGER PRIMARY KEY,
    status INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    accepted_at INTEGER NOT NULL,
    next_attempt_at INTEGER,
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
