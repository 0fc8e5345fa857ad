/** The lane's deliveries on disk: taking them in, finding what waits, recording what came of each attempt. */
import type { AttemptResult } from "./attempt";
import { DayTables } from "./day-tables";
import type { HandedEvent } from "./handover";

/** `pending` until it was delivered or given up (`dead`). The numbers are what is stored. */
export const deliveryStatus = { pending: 0, delivered: 1, dead: 2 } as const;

/** A delivery that waits, as the lines need it. */
export type Waiting = {
  sequence: number;
  /** Deliveries with the same line go one after another (in `keyed` order). */
  line: string;
  /** Not to be tried before, in ms; null for one that was never tried. */
  nextAttemptAt: number | null;
  attempts: number;
};

/** A delivery with all that its next attempt needs. */
export type Outgoing = Waiting & {
  status: number;
  eventUuid: string;
  eventType: string;
  event: string;
};

/** What an attempt sent: kept beside what came back, so that the log can show it. */
export type SentAs = { configVersion: number; headers: Record<string, string> };

type OutgoingRow = {
  sequence: number;
  status: number;
  line: string;
  next_attempt_at: number | null;
  attempts: number;
  event_uuid: string;
  event_type: string;
  event: string;
};

const latestAttemptColumns =
  "started_at, duration_ms, response_status, error, response_headers, response_body";

export class Outbox {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;
  #lastSequence: number;

  /** @param sequenceBase the last sequence given before all tables that are left. */
  constructor(sql: SqlStorage, sequenceBase: number) {
    this.#sql = sql;
    this.#days = new DayTables(sql);
    this.#lastSequence = this.#days.lastSequence() ?? sequenceBase;
    // Attempts before the latest one, which lies in the delivery's own row.
    sql.exec(`CREATE TABLE IF NOT EXISTS attempts (
      sequence INTEGER NOT NULL,
      number INTEGER NOT NULL,
      started_at INTEGER NOT NULL,
      duration_ms INTEGER NOT NULL,
      response_status INTEGER,
      error TEXT,
      response_headers TEXT NOT NULL,
      response_body TEXT NOT NULL,
      PRIMARY KEY (sequence, number)
    ) WITHOUT ROWID`);
    // Events that were taken although the archive knew them: the first hand-over may still be on its way.
    sql.exec(`CREATE TABLE IF NOT EXISTS taken_as_repeat (event_uuid TEXT PRIMARY KEY) WITHOUT ROWID`);
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Takes an event in at the end of the line. @returns whether it was new. */
  accept(event: HandedEvent, now: number): boolean {
    if (this.#isTakenAsRepeat(event.uuid)) return false;
    if (event.maybeKnown) {
      if (this.find(event.uuid, event.firstAcceptedAt) !== null) return false;
      this.#sql.exec("INSERT INTO taken_as_repeat VALUES (?)", event.uuid);
    }
    const sequence = this.#lastSequence + 1;
    this.#sql.exec(
      `INSERT INTO ${this.#days.current(now, sequence)} (sequence, accepted_at, event_uuid, event_type, line, event)
       VALUES (?, ?, ?, ?, ?, ?)`,
      sequence,
      now,
      event.uuid,
      event.type,
      lineOf(event),
      event.body,
    );
    this.#lastSequence = sequence;
    return true;
  }

  /**
   * The sequence of an event's delivery, or null. There is no index by event (it would be a row for each
   * delivery); a repeat is rare, and the search starts where the lane stood when the event was first accepted.
   */
  find(eventUuid: string, firstAcceptedAt: number): number | null {
    const start = this.#firstSequenceSince(firstAcceptedAt - clockSkewMs);
    for (const table of this.#days.from(start)) {
      const [found] = this.#sql
        .exec<{ sequence: number }>(
          `SELECT sequence FROM ${table} WHERE sequence >= ? AND event_uuid = ? LIMIT 1`,
          start,
          eventUuid,
        )
        .toArray();
      if (found !== undefined) return found.sequence;
    }
    return null;
  }

  /** What waits behind `sequence`, in order. */
  waitingAfter(sequence: number, limit: number): Waiting[] {
    const waiting: Waiting[] = [];
    for (const table of this.#days.from(sequence + 1)) {
      const rows = this.#sql.exec<OutgoingRow>(
        `SELECT sequence, line, next_attempt_at, attempts FROM ${table}
         WHERE sequence > ? AND status = ${deliveryStatus.pending} ORDER BY sequence LIMIT ?`,
        sequence,
        limit - waiting.length,
      );
      for (const row of rows) waiting.push(waitingOf(row));
      if (waiting.length === limit) break;
    }
    return waiting;
  }

  /** One delivery for its next attempt, or null when it is not there. */
  load(sequence: number): Outgoing | null {
    const table = this.#days.of(sequence);
    if (table === null) return null;
    const [row] = this.#sql
      .exec<OutgoingRow>(
        `SELECT sequence, status, line, next_attempt_at, attempts, event_uuid, event_type, event
         FROM ${table} WHERE sequence = ?`,
        sequence,
      )
      .toArray();
    if (row === undefined) return null;
    return {
      ...waitingOf(row),
      status: row.status,
      eventUuid: row.event_uuid,
      eventType: row.event_type,
      event: row.event,
    };
  }

  /**
   * Writes down an attempt and what follows from it, in the delivery's own row: the attempt before it moves
   * to `attempts`.
   */
  record(
    sequence: number,
    sent: SentAs,
    result: AttemptResult,
    then: { status: number; nextAttemptAt: number | null },
  ): void {
    const table = this.#days.of(sequence);
    if (table === null) return;
    this.#sql.exec(
      `INSERT INTO attempts SELECT sequence, attempts, ${latestAttemptColumns} FROM ${table}
       WHERE sequence = ? AND attempts > 0`,
      sequence,
    );
    this.#sql.exec(
      `UPDATE ${table} SET status = ?, attempts = attempts + 1, next_attempt_at = ?, delivered_at = ?,
         started_at = ?, duration_ms = ?, response_status = ?, error = ?, config_version = ?,
         request_headers = ?, response_headers = ?, response_body = ?
       WHERE sequence = ?`,
      then.status,
      then.nextAttemptAt,
      then.status === deliveryStatus.delivered ? result.startedAt + result.durationMs : null,
      result.startedAt,
      result.durationMs,
      result.status,
      result.error,
      sent.configVersion,
      JSON.stringify(sent.headers),
      JSON.stringify(result.responseHeaders),
      result.responseBody,
      sequence,
    );
  }

  #isTakenAsRepeat(eventUuid: string): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM taken_as_repeat WHERE event_uuid = ?", eventUuid).toArray().length > 0
    );
  }

  /** By bisection: sequences and times of acceptance rise together. */
  #firstSequenceSince(timeMs: number): number {
    let low = 1;
    let high = this.#lastSequence + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const at = this.#acceptedAt(middle);
      if (at !== null && at >= timeMs) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #acceptedAt(sequence: number): number | null {
    const table = this.#days.of(sequence);
    if (table === null) return null;
    const [row] = this.#sql
      .exec<{ accepted_at: number }>(`SELECT accepted_at FROM ${table} WHERE sequence = ?`, sequence)
      .toArray();
    return row?.accepted_at ?? null;
  }
}

/** How far the clocks of two of Cloudflare's machines may be apart: generous. */
const clockSkewMs = 60_000;

/** In order per job, else per project, else per event type. */
function lineOf(event: HandedEvent): string {
  if (event.jobUuid !== null) return `job ${event.jobUuid}`;
  if (event.projectUuid !== null) return `project ${event.projectUuid}`;
  return `type ${event.type}`;
}

function waitingOf(row: OutgoingRow): Waiting {
  return {
    sequence: row.sequence,
    line: row.line,
    nextAttemptAt: row.next_attempt_at,
    attempts: row.attempts,
  };
}
