/**
 * Events lie in tables that are only appended to, one for each day of acceptance (UTC), or several where a day's events are
 * large: dropping a table writes no rows, where deleting its events would write one for each. Ids rise by one from event to
 * event, across tables, for good, and times of acceptance never fall.
 */
import type { Publisher } from "../publisher";

const dayMs = 86_400_000;
/** What an event takes beside its text. */
const overheadBytes = 200;

/**
 * One table, or what is left of it. `firstAt`: when it was begun (ms); `bytes`: what its texts take, as of the last time that
 * it was written down. `hasTexts`: false once it was dropped for the size of it; then its uuids are still known.
 */
export type EventTable = {
  number: number;
  day: number;
  firstId: number;
  firstAt: number;
  bytes: number;
  hasTexts: boolean;
};

/** An event as it is stored, without its text. */
export type EventRow = {
  id: number;
  accepted_at: number;
  routing_version: number;
  /** Its place in its request: other events of the request may lie in other shards. */
  place: number;
  uuid: string;
  type: string;
  project_uuid: string | null;
  job_uuid: string | null;
  timestamp: string;
  publisher: Publisher;
};

export type StoredEvent = EventRow & { body: string };

/** Those of `EventRow`: SQLite reads no text for them. */
export const eventColumns =
  "id, accepted_at, routing_version, place, uuid, type, project_uuid, job_uuid, timestamp, publisher";

type Row = {
  number: number;
  day: number;
  first_id: number;
  first_at: number;
  bytes: number;
  has_texts: number;
};

/** The first moment after a table's day, in ms. */
export function endOf({ day }: EventTable): number {
  return (day + 1) * dayMs;
}

/** What an event takes in storage, about. */
export function bytesOf(bodyBytes: number): number {
  return bodyBytes + overheadBytes;
}

export class EventTables {
  readonly #sql: SqlStorage;
  readonly #tables: EventTable[];
  #lastId: number;
  #lastAt: number;

  /** @param baseId ids begin above it where no table is left. */
  constructor(sql: SqlStorage, baseId: number) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS event_tables (
      number INTEGER PRIMARY KEY, day INTEGER NOT NULL, first_id INTEGER NOT NULL, first_at INTEGER NOT NULL,
      bytes INTEGER NOT NULL DEFAULT 0, has_texts INTEGER NOT NULL DEFAULT 1
    )`);
    this.#tables = sql.exec<Row>("SELECT * FROM event_tables ORDER BY number").toArray().map(tableOf);
    const last = this.#tables.at(-1);
    const newest = last === undefined || !last.hasTexts ? null : this.#newestOf(last);
    this.#lastId = newest?.id ?? Math.max(baseId, (last?.firstId ?? 1) - 1);
    this.#lastAt = newest?.accepted_at ?? last?.firstAt ?? 0;
  }

  /** Oldest first, with those that were dropped for their size. */
  get all(): readonly EventTable[] {
    return this.#tables;
  }

  /** Those that can be read, oldest first. */
  get readable(): EventTable[] {
    return this.#tables.filter(({ hasTexts }) => hasTexts);
  }

  /** The highest id given; 0 without any. */
  get lastId(): number {
    return this.#lastId;
  }

  /** When an event that comes now is accepted: a clock that goes back does not put it before others. */
  timeOf(nowMs: number): number {
    return Math.max(nowMs, this.#lastAt);
  }

  /** The id of the last event of a table. */
  lastIdOf(table: EventTable): number {
    const next = this.#tables[this.#tables.indexOf(table) + 1];
    return (next?.firstId ?? this.#lastId + 1) - 1;
  }

  /** Appends an event: one row written, and one more with the first of a day. @param at from `timeOf`. @returns its id. */
  append(event: Omit<StoredEvent, "id" | "accepted_at">, at: number): number {
    const table = this.#current(at);
    const id = this.#lastId + 1;
    const { routing_version, place, uuid, type, project_uuid, job_uuid, timestamp, publisher, body } = event;
    this.#sql.exec(
      `INSERT INTO events_${table.number} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      at,
      routing_version,
      place,
      uuid,
      type,
      project_uuid,
      job_uuid,
      timestamp,
      publisher,
      body,
    );
    [this.#lastId, this.#lastAt] = [id, at];
    return id;
  }

  /** Begins a table: the last one takes no more events. */
  begin(at: number): EventTable {
    const table: EventTable = {
      number: (this.#tables.at(-1)?.number ?? 0) + 1,
      day: Math.floor(at / dayMs),
      firstId: this.#lastId + 1,
      firstAt: at,
      bytes: 0,
      hasTexts: true,
    };
    this.#sql.exec(createTable(table.number));
    this.#sql.exec(
      "INSERT INTO event_tables (number, day, first_id, first_at) VALUES (?, ?, ?, ?)",
      table.number,
      table.day,
      table.firstId,
      table.firstAt,
    );
    this.#tables.push(table);
    this.#lastAt = Math.max(this.#lastAt, at);
    return table;
  }

  /** Counts the bytes of an event that was appended. They are on disk after `saveBytes`. */
  addBytes(id: number, bytes: number): void {
    const table = this.#tables.findLast(({ firstId }) => firstId <= id);
    if (table !== undefined) table.bytes += bytes;
  }

  /** Writes down what the tables from an event's on take: a row for each. */
  saveBytes(fromId: number): void {
    for (const table of this.#tables) {
      if (this.lastIdOf(table) < fromId) continue;
      this.#sql.exec("UPDATE event_tables SET bytes = ? WHERE number = ?", table.bytes, table.number);
    }
  }

  /** The event with an id, or null when its text was dropped. */
  read(id: number): StoredEvent | null {
    const table = this.readable.findLast(({ firstId }) => firstId <= id);
    if (table === undefined) return null;
    const [row] = this.#sql
      .exec<StoredEvent>(`SELECT * FROM events_${table.number} WHERE id = ?`, id)
      .toArray();
    return row ?? null;
  }

  /** The names of the tables that hold events from `first` to `last`, oldest first. */
  between(first: number, last: number): string[] {
    return this.readable
      .filter((table) => table.firstId <= last && this.lastIdOf(table) >= first)
      .map(({ number }) => `events_${number}`);
  }

  /** The first event that was accepted at a time (ms) or later, by bisection; the next id when there is none. */
  firstIdSince(timeMs: number): number {
    const tables = this.readable;
    const start = tables.findLast(({ firstAt }) => firstAt < timeMs) ?? tables[0];
    if (start === undefined) return this.#lastId + 1;
    let low = start.firstId;
    let high = this.lastIdOf(start) + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [row] = this.#sql
        .exec<{ at: number }>(`SELECT accepted_at AS at FROM events_${start.number} WHERE id = ?`, middle)
        .toArray();
      if (row !== undefined && row.at < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** When the last event of a table was accepted, in ms; null when it has none. */
  newestAt(table: EventTable): number | null {
    return this.#newestOf(table)?.accepted_at ?? null;
  }

  /** The oldest event that can be read: its id, and when it was accepted (ms); null without any. */
  oldest(): { id: number; acceptedAt: number } | null {
    const table = this.readable.find((one) => this.lastIdOf(one) >= one.firstId);
    if (table === undefined) return null;
    const row = this.read(table.firstId);
    return row === null ? null : { id: row.id, acceptedAt: row.accepted_at };
  }

  /** Drops a table's events: no row written but the one that says so. */
  dropTexts(table: EventTable): void {
    if (!table.hasTexts) return;
    this.#sql.exec(`DROP TABLE events_${table.number}`);
    this.#sql.exec("UPDATE event_tables SET has_texts = 0, bytes = 0 WHERE number = ?", table.number);
    [table.hasTexts, table.bytes] = [false, 0];
  }

  /** Drops a table with all that is known of it. */
  forget(table: EventTable): void {
    if (table.hasTexts) this.#sql.exec(`DROP TABLE events_${table.number}`);
    this.#sql.exec("DELETE FROM event_tables WHERE number = ?", table.number);
    this.#tables.splice(this.#tables.indexOf(table), 1);
  }

  #current(at: number): EventTable {
    const last = this.#tables.at(-1);
    return last !== undefined && last.hasTexts && at < endOf(last) ? last : this.begin(at);
  }

  #newestOf(table: EventTable): { id: number; accepted_at: number } | null {
    const [row] = this.#sql
      .exec<{ id: number; accepted_at: number }>(
        `SELECT id, accepted_at FROM events_${table.number} ORDER BY id DESC LIMIT 1`,
      )
      .toArray();
    return row ?? null;
  }
}

/** No index: it would be a row for each event. The text comes last: a scan does not read it. */
function createTable(number: number): string {
  return `CREATE TABLE events_${number} (
    id INTEGER PRIMARY KEY,
    accepted_at INTEGER NOT NULL,
    routing_version INTEGER NOT NULL,
    place INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    type TEXT NOT NULL,
    project_uuid TEXT,
    job_uuid TEXT,
    timestamp TEXT NOT NULL,
    publisher TEXT NOT NULL,
    body TEXT NOT NULL
  )`;
}

function tableOf(row: Row): EventTable {
  const { number, day, first_id, first_at, bytes, has_texts } = row;
  return { number, day, firstId: first_id, firstAt: first_at, bytes, hasTexts: has_texts === 1 };
}
