/**
 * The lane's second line: what is to be sent again, in the order in which it was asked for. A replay is a range of
 * sequences with a cursor, however many deliveries are in it.
 */
import { type DayTables, indexed } from "./day-tables";
import { deliveryStatus } from "./delivery-state";
import { retryDelayMs } from "./retry-policy";

/**
 * `one` is a single delivery that someone wants sent again; `picked` are dead letters that someone chose; `missing` are
 * events that never reached the lane.
 */
export type ReplayKind = "one" | "picked" | "dead" | "all" | "missing";

/**
 * How far a replay has come. `queued` is a lower bound where it is not `isExact`; `sent` counts what was given up, too,
 * and `givenUp` only that. `retryAt`: the next one has failed `failures` times in this replay and is tried again then,
 * in ms; null where none has.
 */
export type ReplayProgress = {
  queued: number;
  isExact: boolean;
  sent: number;
  givenUp: number;
  done: boolean;
  failures: number;
  retryAt: number | null;
};

/** What comes next in the line: a delivery to be sent, or a page of events to be fetched from the archive. */
export type ReplayHead = {
  position: number;
  /** The replay's uuid; null for a single delivery. */
  replay: string | null;
  /** Of the head, in this replay. */
  attempts: number;
  nextAttemptAt: number;
  /** When the head came to be it, in ms. */
  since: number;
  /** Whether nothing of this replay was tried yet. */
  isFirst: boolean;
} & (
  | { kind: "send"; sequence: number }
  | { kind: "fetch"; archiveCursor: number; archiveSince: number; archiveUntil: number }
);

type Row = {
  position: number;
  id: string;
  kind: ReplayKind;
  cursor: number;
  last: number;
  attempts: number;
  next_attempt_at: number;
  head_since: number;
  queued: number;
  sent: number;
  done: number;
  archive_cursor: number | null;
  archive_since: number;
  archive_until: number;
};

type RowWithMore = Row & { picked: string | null; given_up: number | null };

/** What of a range is replayed, at the moment when its turn comes. */
const conditions: Record<ReplayKind, string> = {
  one: `status IN (${deliveryStatus.delivered}, ${deliveryStatus.dead})`,
  all: `status IN (${deliveryStatus.delivered}, ${deliveryStatus.dead})`,
  dead: indexed.dead,
  picked: indexed.dead,
  missing: `status = ${deliveryStatus.replaying}`,
};

/** Up to here `queued` is counted in the archive. */
export const queuedMax = 1000;
/** The same for what the lane has itself: to look through so much takes it a moment. */
const ownQueuedMax = 50_000;
/** How long the progress of a replay that is done can be asked for. */
const keptMs = 30 * 86_400_000;

export class Replays {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;
  /** Undefined: to be read. */
  #head: ReplayHead | null | undefined;

  constructor(sql: SqlStorage, days: DayTables) {
    this.#sql = sql;
    this.#days = days;
    sql.exec(`CREATE TABLE IF NOT EXISTS replays (
      position INTEGER PRIMARY KEY,
      id TEXT NOT NULL,
      kind TEXT NOT NULL,
      cursor INTEGER NOT NULL,
      last INTEGER NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0,
      next_attempt_at INTEGER NOT NULL,
      head_since INTEGER NOT NULL,
      queued INTEGER NOT NULL,
      sent INTEGER NOT NULL DEFAULT 0,
      done INTEGER NOT NULL DEFAULT 0,
      archive_cursor INTEGER,
      archive_since INTEGER NOT NULL DEFAULT 0,
      archive_until INTEGER NOT NULL DEFAULT 0
    )`);
    // What few replays have: the sequences that were picked, and how many deliveries were given up in it.
    sql.exec(`CREATE TABLE IF NOT EXISTS replay_details (
      position INTEGER PRIMARY KEY,
      picked TEXT,
      given_up INTEGER NOT NULL DEFAULT 0
    )`);
  }

  /** Appends a range of sequences. @param id a new uuid. @returns how many deliveries it has at the moment. */
  add(id: string, kind: "dead" | "all", range: { from: number; to: number }, now: number): number {
    const queued = this.#count(kind, { ...range, max: ownQueuedMax });
    this.#insert({ id, kind, ...range, queued, now });
    return queued;
  }

  /** Appends all dead letters up to a sequence. @param dead how many they are. @returns the replay's uuid. */
  addAllDead(upTo: number, dead: number, now: number): string {
    return this.#insert({ kind: "dead", from: 1, to: upTo, queued: dead, now });
  }

  /**
   * Appends those of these deliveries that are dead letters, in the order of their sequences.
   * @returns the replay's uuid and how many they are; null when there is none.
   */
  addPicked(sequences: readonly number[], now: number): { id: string; queued: number } | null {
    const dead = sequences.filter((sequence) => this.#firstFrom("dead", sequence, sequence) !== null);
    const picked = [...new Set(dead)].toSorted((a, b) => a - b);
    const [from, to] = [picked[0], picked.at(-1)];
    if (from === undefined || to === undefined) return null;
    const id = this.#insert({ kind: "picked", from, to, queued: picked.length, now });
    this.#sql.exec(
      "INSERT INTO replay_details (position, picked) SELECT position, ? FROM replays WHERE id = ?",
      JSON.stringify(picked),
      id,
    );
    return { id, queued: picked.length };
  }

  /** Appends one finished delivery; one that waits already is made due. */
  addOne(sequence: number, now: number): void {
    this.#head = undefined;
    const due = "UPDATE replays SET next_attempt_at = ? WHERE kind = 'one' AND cursor = ? AND done = 0";
    if (this.#sql.exec(due, now, sequence).rowsWritten > 0) return;
    this.#insert({ kind: "one", from: sequence, to: sequence, queued: 1, now });
  }

  /**
   * Appends events of the archive that were accepted from `since` to before `until` (ms) and are not in the lane.
   * @param id a new uuid.
   */
  addMissing(id: string, range: { since: number; until: number; queued: number }, now: number): void {
    this.#insert({ id, kind: "missing", from: 1, to: 0, queued: range.queued, now });
    this.#sql.exec(
      "UPDATE replays SET archive_cursor = 0, archive_since = ?, archive_until = ? WHERE id = ?",
      range.since,
      range.until,
      id,
    );
  }

  progress(id: string): ReplayProgress | null {
    const [row] = this.#sql
      .exec<RowWithMore>("SELECT * FROM replays LEFT JOIN replay_details USING (position) WHERE id = ?", id)
      .toArray();
    if (row === undefined) return null;
    const { kind, queued, sent, attempts: failures } = row;
    return {
      queued: Math.max(queued, sent),
      isExact:
        row.done === 1 || (queued !== (kind === "missing" ? queuedMax : ownQueuedMax) && queued >= sent),
      sent,
      givenUp: row.given_up ?? 0,
      done: row.done === 1,
      failures,
      retryAt: failures > 0 ? row.next_attempt_at : null,
    };
  }

  /** The head of the line, or null: what stands behind it waits for it. */
  head(now: number): ReplayHead | null {
    if (this.#head === undefined) this.#head = this.#readHead(now);
    return this.#head;
  }

  /** The head failed and is tried again at a time in ms. */
  delay(position: number, nextAttemptAt: number): void {
    this.#head = undefined;
    this.#sql.exec(
      "UPDATE replays SET attempts = attempts + 1, next_attempt_at = ? WHERE position = ?",
      nextAttemptAt,
      position,
    );
  }

  /** Lets the head go now. @param inactiveMs how long the webhook was paused or disabled: that does not age the head. */
  makeDue(now: number, inactiveMs: number): void {
    this.#head = undefined;
    this.#sql.exec(
      "UPDATE replays SET next_attempt_at = min(next_attempt_at, ?1), head_since = min(head_since + ?2, ?1) WHERE done = 0",
      now,
      inactiveMs,
    );
  }

  /** After a clock that went back by so much. */
  shift(backMs: number, now: number): void {
    this.#head = undefined;
    this.#sql.exec(
      `UPDATE replays SET next_attempt_at = max(next_attempt_at - ?1, ?2), head_since = min(head_since, ?2)
       WHERE done = 0 AND next_attempt_at > ?2`,
      backMs,
      now,
    );
  }

  /** The head was delivered or given up: the line moves on. */
  pass(position: number, sequence: number, now: number): void {
    this.#head = undefined;
    this.#sql.exec(
      `UPDATE replays SET cursor = ?, sent = sent + 1, attempts = 0, next_attempt_at = ?, head_since = ?
       WHERE position = ?`,
      sequence + 1,
      now,
      now,
      position,
    );
  }

  /** The head that is passed was given up. */
  noteGivenUp(position: number): void {
    this.#sql.exec(
      `INSERT INTO replay_details (position, given_up) VALUES (?, 1)
       ON CONFLICT (position) DO UPDATE SET given_up = given_up + 1`,
      position,
    );
  }

  /** A page was fetched: these sequences come next. Without any, the archive has no more. */
  fetched(position: number, page: { from: number; to: number; archiveCursor: number | null }): void {
    this.#head = undefined;
    this.#sql.exec(
      "UPDATE replays SET cursor = ?, last = ?, archive_cursor = ? WHERE position = ?",
      page.from,
      page.to,
      page.archiveCursor,
      position,
    );
  }

  /** Whether a delivery between these sequences may still be sent. */
  any(from: number, to: number): boolean {
    const query = "SELECT 1 FROM replays WHERE done = 0 AND cursor <= ? AND last >= ? LIMIT 1";
    return this.#sql.exec(query, to, from).toArray().length > 0;
  }

  #insert(replay: {
    id?: string;
    kind: ReplayKind;
    from: number;
    to: number;
    queued: number;
    now: number;
  }): string {
    this.#head = undefined;
    const { id = crypto.randomUUID(), kind, from, to, queued, now } = replay;
    this.#sql.exec("DELETE FROM replays WHERE done = 1 AND head_since < ?", now - keptMs);
    this.#sql.exec("DELETE FROM replay_details WHERE position NOT IN (SELECT position FROM replays)");
    this.#sql.exec(
      `INSERT INTO replays (id, kind, cursor, last, next_attempt_at, head_since, queued) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      id,
      kind,
      from,
      to,
      now,
      now,
      queued,
    );
    return id;
  }

  #readHead(now: number): ReplayHead | null {
    for (;;) {
      const query =
        "SELECT * FROM replays LEFT JOIN replay_details USING (position) WHERE done = 0 ORDER BY position LIMIT 1";
      const [row] = this.#sql.exec<RowWithMore>(query).toArray();
      if (row === undefined) return null;
      const common = {
        position: row.position,
        replay: row.kind === "one" ? null : row.id,
        attempts: row.attempts,
        // A clock that went back makes no wait longer than the back-off; `Retry-After` is kept with the receiver's health.
        nextAttemptAt: Math.min(row.next_attempt_at, now + retryDelayMs(Math.max(row.attempts, 1), 1)),
        since: row.head_since,
        isFirst: row.sent === 0 && row.attempts === 0,
      };
      const sequence = this.#firstFrom(row.kind, row.cursor, row.last, row.picked);
      if (sequence !== null) return { ...common, kind: "send", sequence };
      if (row.archive_cursor !== null) {
        const {
          archive_cursor: archiveCursor,
          archive_since: archiveSince,
          archive_until: archiveUntil,
        } = row;
        return { ...common, kind: "fetch", archiveCursor, archiveSince, archiveUntil };
      }
      this.#sql.exec("UPDATE replays SET done = 1, head_since = ? WHERE position = ?", now, row.position);
    }
  }

  /** @param picked the only sequences that count, as a JSON list; null for all. */
  #firstFrom(kind: ReplayKind, from: number, to: number, picked: string | null = null): number | null {
    const among = picked === null ? "" : "AND sequence IN (SELECT value FROM json_each(?))";
    for (const table of this.#days.from(from)) {
      const [row] = this.#sql
        .exec<{ sequence: number }>(
          `SELECT sequence FROM ${this.#source(kind, table)} WHERE sequence BETWEEN ? AND ? AND ${conditions[kind]} ${among}
           ORDER BY sequence LIMIT 1`,
          from,
          to,
          ...(picked === null ? [] : [picked]),
        )
        .toArray();
      if (row !== undefined) return row.sequence;
    }
    return null;
  }

  #source(kind: ReplayKind, table: string): string {
    return kind === "dead" || kind === "picked" ? this.#days.by("dead", table) : table;
  }

  #count(kind: ReplayKind, { from, to, max }: { from: number; to: number; max: number }): number {
    let count = 0;
    for (const table of this.#days.from(from)) {
      if (count === max) break;
      count += this.#sql
        .exec<{ n: number }>(
          `SELECT count(*) AS n FROM (
             SELECT 1 FROM ${this.#source(kind, table)} WHERE sequence BETWEEN ? AND ? AND ${conditions[kind]} LIMIT ?
           )`,
          from,
          to,
          max - count,
        )
        .one().n;
    }
    return count;
  }
}
