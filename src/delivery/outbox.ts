/** The lane's deliveries on disk: taking them in, finding what waits, recording what came of each attempt. */
import type { AttemptResult } from "./attempt";
import { type Day, type DayTables, tableOf } from "./day-tables";
import type { HandedEvent } from "./handover";
import type { Counted } from "./stats";

/**
 * `pending` until it was delivered or given up (`dead`); `replaying` waits too, but in the second line: an event from
 * the archive that never reached the lane before. The numbers are what is stored.
 */
export const deliveryStatus = { pending: 0, delivered: 1, dead: 2, replaying: 3 } as const;

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
  /** The lane's active clock at its first attempt: its age counts from there. Null before. */
  agedFrom: number | null;
  eventUuid: string;
  eventType: string;
  event: string;
};

/** Whether a delivery waits, in either line. */
export function isWaiting({ status }: Pick<Outgoing, "status">): boolean {
  return status === deliveryStatus.pending || status === deliveryStatus.replaying;
}

/** What came of an attempt, and what the log needs to show what it sent: `headers` are those that only it had. */
export type SentAs = { configVersion: number; headers: Record<string, string>; result: AttemptResult };

/** What is written down with an attempt. */
export type Recorded = {
  status: number;
  nextAttemptAt: number | null;
  agedFrom: number;
  /** The lane's count of attempts, this one included: tells which ones a checkpoint has counted. 0: never recounted. */
  tick: number;
};

/** An attempt that a checkpoint had not counted. */
export type Uncounted = Counted & { tick: number };

type UncountedRow = {
  status: number;
  started_at: number;
  duration_ms: number;
  error: string | null;
  tick: number;
};

type OutgoingRow = {
  sequence: number;
  status: number;
  aged_from: number | null;
  line: string;
  next_attempt_at: number | null;
  attempts: number;
  event_uuid: string;
  event_type: string;
  event: string;
};

/** What a lane keeps in memory of what it has just accepted: a hundred lanes may share what one isolate has (128 MB). */
const rememberedCharactersMax = 500_000;

/** How many rows one statement inserts: a lane's takes 100 parameters, and a row four. */
const eventsPerInsert = 24;

const latestAttemptColumns =
  "tick, started_at, duration_ms, response_status, error, response_headers, response_body";

export class Outbox {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;
  #lastSequence: number;
  /** Undefined until it was looked for. */
  #hasRepeats: boolean | undefined;
  readonly #remembered = new Map<number, Outgoing>();
  #rememberedCharacters = 0;

  /** @param sequenceBase the last sequence given when a day was last pruned: the rows that had it may be gone. */
  constructor(sql: SqlStorage, days: DayTables, sequenceBase: number) {
    this.#sql = sql;
    this.#days = days;
    this.#lastSequence = Math.max(this.#days.lastSequence() ?? 0, sequenceBase);
    // Attempts before the latest one, which lies in the delivery's own row.
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
    // Events that were taken although the archive knew them: the first hand-over may still be on its way.
    sql.exec(`CREATE TABLE IF NOT EXISTS taken_as_repeat (
      event_uuid TEXT PRIMARY KEY, sequence INTEGER NOT NULL
    ) WITHOUT ROWID`);
  }

  /** Reads anew from disk where the sequences stand, after a transaction was undone. */
  reload(sequenceBase: number): void {
    this.#days.reload();
    this.#lastSequence = Math.max(this.#days.lastSequence() ?? 0, sequenceBase);
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  /**
   * Takes events in at the end of the line. @returns of each its delivery, or null when it was not new.
   * @param prunedThrough what was first accepted before this time may have been here, and is never new.
   */
  accept(events: readonly HandedEvent[], now: number, prunedThrough: number): (Outgoing | null)[] {
    // What waits to be handed over may hold an event twice.
    const seen = new Set<string>();
    const isFresh = events.map((event) => {
      if (seen.has(event.uuid) || !this.#isNew(event, prunedThrough)) return false;
      seen.add(event.uuid);
      return true;
    });
    const fresh = events.filter((_, place) => isFresh[place]);
    let sequence = this.#insert(fresh, now, deliveryStatus.pending);
    return events.map((event, place) => (isFresh[place] ? acceptedAs(event, sequence++) : null));
  }

  /** Takes events in for the second line. @returns the first and the last sequence that they got. */
  acceptForReplay(events: readonly HandedEvent[], now: number): { from: number; to: number } {
    return { from: this.#insert(events, now, deliveryStatus.replaying), to: this.#lastSequence };
  }

  #isNew(event: HandedEvent, prunedThrough: number): boolean {
    if (this.#tookRepeats() && this.#isTakenAsRepeat(event.uuid)) return false;
    if (!event.maybeKnown) return true;
    return event.firstAcceptedAt >= prunedThrough && this.find(event.uuid, event.firstAcceptedAt) === null;
  }

  /** @returns the first of the sequences that they get. */
  #insert(events: readonly HandedEvent[], now: number, status: number): number {
    const first = this.#lastSequence + 1;
    for (let start = 0; start < events.length; start += eventsPerInsert) {
      const chunk = events.slice(start, start + eventsPerInsert);
      const rows = chunk.map((_, index) => `(?2 + ${index}, ${status}, ?1${", ?".repeat(4)})`);
      this.#sql.exec(
        `INSERT INTO ${this.#days.current(now, first)} (sequence, status, accepted_at, event_uuid, event_type, line, event)
         VALUES ${rows.join(", ")}`,
        now,
        first + start,
        ...chunk.flatMap((event) => [event.uuid, event.type, lineOf(event), event.body]),
      );
    }
    for (const [index, { uuid, maybeKnown }] of events.entries()) {
      if (!maybeKnown) continue;
      this.#hasRepeats = true;
      this.#sql.exec("INSERT INTO taken_as_repeat VALUES (?, ?)", uuid, first + index);
    }
    this.#lastSequence += events.length;
    return first;
  }

  /**
   * The sequence of an event's delivery, or null. There is no index by event (it would be a row for each
   * delivery); a repeat is rare, and the search starts where the lane stood when the event was first accepted.
   */
  find(eventUuid: string, firstAcceptedAt: number): number | null {
    const start = this.firstSequenceSince(firstAcceptedAt - clockSkewMs);
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

  /**
   * Of these events, those that never reached the lane.
   * @param events in the order of their first acceptance.
   */
  missingOf(events: readonly HandedEvent[]): HandedEvent[] {
    const [first] = events;
    if (first === undefined) return [];
    const start = this.firstSequenceSince(first.firstAcceptedAt - clockSkewMs);
    const uuids = JSON.stringify(events.map((event) => event.uuid));
    const known = this.#days.from(start).flatMap((table) =>
      this.#sql
        .exec<{ event_uuid: string }>(
          `SELECT event_uuid FROM ${table}
           WHERE sequence >= ? AND event_uuid IN (SELECT value FROM json_each(?))`,
          start,
          uuids,
        )
        .toArray()
        .map((row) => row.event_uuid),
    );
    const knownUuids = new Set(known);
    return events.filter((event) => !knownUuids.has(event.uuid));
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

  /** Keeps what was just accepted in memory, as far as there is room: who sends it at once need not read it back. */
  remember(accepted: readonly Outgoing[]): void {
    for (const delivery of accepted) {
      const characters = this.#rememberedCharacters + delivery.event.length;
      if (characters > rememberedCharactersMax) return;
      this.#rememberedCharacters = characters;
      this.#remembered.set(delivery.sequence, delivery);
    }
  }

  /** Keeps nothing in memory any more: nothing is sent for now. */
  forget(): void {
    this.#remembered.clear();
    this.#rememberedCharacters = 0;
  }

  /** One delivery for its next attempt, from memory or from disk, or null when it is not there. */
  take(sequence: number): Outgoing | null {
    const remembered = this.#remembered.get(sequence);
    if (remembered === undefined) return this.load(sequence);
    this.#remembered.delete(sequence);
    this.#rememberedCharacters -= remembered.event.length;
    return remembered;
  }

  /** One delivery from disk, or null when it is not there. */
  load(sequence: number): Outgoing | null {
    const table = this.#days.of(sequence);
    if (table === null) return null;
    const [row] = this.#sql
      .exec<OutgoingRow>(
        `SELECT sequence, status, line, next_attempt_at, attempts, aged_from, event_uuid, event_type, event
         FROM ${table} WHERE sequence = ?`,
        sequence,
      )
      .toArray();
    if (row === undefined) return null;
    return {
      ...waitingOf(row),
      status: row.status,
      agedFrom: row.aged_from,
      eventUuid: row.event_uuid,
      eventType: row.event_type,
      event: row.event,
    };
  }

  /**
   * Writes down an attempt and what follows from it, in the delivery's own row: the attempt before it moves
   * to `attempts`.
   * @param outgoing the delivery as it was loaded.
   * @returns false, and nothing is written, when it is no longer there with that status and so many attempts.
   */
  record(outgoing: Outgoing, sent: SentAs, then: Recorded): boolean {
    const { sequence, status, attempts } = outgoing;
    const table = this.#days.of(sequence);
    if (table === null) return false;
    const { result } = sent;
    if (attempts > 0) {
      this.#sql.exec(
        `INSERT INTO attempts SELECT sequence, attempts, ${latestAttemptColumns} FROM ${table}
         WHERE sequence = ? AND status = ? AND attempts = ?`,
        sequence,
        status,
        attempts,
      );
    }
    const updated = this.#sql.exec(
      `UPDATE ${table} SET status = ?, attempts = attempts + 1, tick = ?, next_attempt_at = ?, aged_from = ?,
         delivered_at = coalesce(?, delivered_at), started_at = ?, duration_ms = ?, response_status = ?, error = ?, config_version = ?,
         request_headers = ?, response_headers = ?, response_body = ?
       WHERE sequence = ? AND status = ? AND attempts = ?`,
      then.status,
      then.tick,
      then.nextAttemptAt,
      then.agedFrom,
      result.error === null ? result.startedAt + result.durationMs : null,
      result.startedAt,
      result.durationMs,
      result.status,
      result.error,
      sent.configVersion,
      JSON.stringify(sent.headers),
      JSON.stringify(result.responseHeaders),
      result.responseBody,
      sequence,
      status,
      attempts,
    );
    return updated.rowsWritten > 0;
  }

  /** Makes due what waits for a retry between these sequences. */
  hurry(from: number, to: number, now: number): void {
    for (const table of this.#days.from(from)) {
      this.#sql.exec(
        `UPDATE ${table} SET next_attempt_at = ?
         WHERE sequence BETWEEN ? AND ? AND status = ${deliveryStatus.pending} AND next_attempt_at > ?`,
        now,
        from,
        to,
        now,
      );
    }
  }

  /** Gives a delivery up that is not under way. */
  bury(sequence: number): void {
    const table = this.#days.of(sequence);
    if (table === null) return;
    this.#sql.exec(
      `UPDATE ${table} SET status = ${deliveryStatus.dead}, next_attempt_at = NULL WHERE sequence = ?`,
      sequence,
    );
  }

  /** When the latest attempt between these sequences began, in ms; null without any. */
  lastStart(from: number, to: number): number | null {
    const starts = this.#days
      .from(from)
      .map(
        (table) =>
          this.#sql
            .exec<{ at: number | null }>(
              `SELECT max(started_at) AS at FROM ${table} WHERE sequence BETWEEN ? AND ?`,
              from,
              to,
            )
            .one().at ?? 0,
      );
    return Math.max(0, ...starts) || null;
  }

  /** How many dead letters lie in a day's table. */
  countDead(day: Day): number {
    return this.#sql
      .exec<{ n: number }>(`SELECT count(*) AS n FROM ${tableOf(day)} WHERE status = ${deliveryStatus.dead}`)
      .one().n;
  }

  /** Removes what belonged to deliveries that were pruned. */
  dropOrphans(): void {
    const sequences = this.#sql
      .exec<{ sequence: number }>("SELECT DISTINCT sequence FROM attempts")
      .toArray();
    for (const { sequence } of sequences) {
      if (this.load(sequence) !== null) continue;
      this.#sql.exec("DELETE FROM attempts WHERE sequence = ?", sequence);
    }
    const [oldest] = this.#days.all;
    this.#sql.exec(
      "DELETE FROM taken_as_repeat WHERE sequence < ?",
      oldest?.firstSequence ?? this.#lastSequence,
    );
  }

  /** Attempts that were made after a checkpoint, oldest first. `from` and `to` bound the sequences that may have any. */
  uncounted({ from, to, tick }: { from: number; to: number; tick: number }): Uncounted[] {
    const rows = this.#days.from(from).flatMap((table) =>
      this.#sql
        .exec<UncountedRow>(
          `SELECT status, started_at, duration_ms, error, tick FROM ${table}
             WHERE sequence BETWEEN ? AND ? AND tick > ?`,
          from,
          to,
          tick,
        )
        .toArray(),
    );
    const earlier = this.#sql
      .exec<UncountedRow>(
        `SELECT ${deliveryStatus.pending} AS status, started_at, duration_ms, error, tick FROM attempts
         WHERE sequence >= ? AND tick > ?`,
        from,
        tick,
      )
      .toArray();
    return [...earlier, ...rows]
      .toSorted((a, b) => a.tick - b.tick)
      .map((row) => ({
        startedAt: row.started_at,
        durationMs: row.duration_ms,
        delivered: row.error === null,
        dead: row.status === deliveryStatus.dead && row.error !== null,
        tick: row.tick,
      }));
  }

  /** Whether `taken_as_repeat` may hold anything: mostly not, and then no event is looked up in it. */
  #tookRepeats(): boolean {
    this.#hasRepeats ??= this.#sql.exec("SELECT 1 FROM taken_as_repeat LIMIT 1").toArray().length > 0;
    return this.#hasRepeats;
  }

  #isTakenAsRepeat(eventUuid: string): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM taken_as_repeat WHERE event_uuid = ?", eventUuid).toArray().length > 0
    );
  }

  /** The first delivery that was accepted at a time (ms) or later. By bisection: sequences and times rise together. */
  firstSequenceSince(timeMs: number): number {
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

/** A delivery as it is when it was just accepted. */
function acceptedAs(event: HandedEvent, sequence: number): Outgoing {
  return {
    sequence,
    line: lineOf(event),
    nextAttemptAt: null,
    attempts: 0,
    status: deliveryStatus.pending,
    agedFrom: null,
    eventUuid: event.uuid,
    eventType: event.type,
    event: event.body,
  };
}

function waitingOf(row: OutgoingRow): Waiting {
  return {
    sequence: row.sequence,
    line: row.line,
    nextAttemptAt: row.next_attempt_at,
    attempts: row.attempts,
  };
}
