/**
 * The lane's queue of replays, in the order of the requests. A replay is a range of sequence numbers with a cursor, for
 * any number of deliveries.
 */
import type { DayTables } from "./day-tables";
import { listedReplay, progressOf, type ReplayPage, type ReplayProgress } from "./replay-progress";
import { type QueuedCount, ReplaySelection } from "./replay-selection";
import { openReplayTables, replaysWithDetails, type ReplayKind, type ReplayRow } from "./replay-table";
import { retryDelayMs } from "./retry-policy";

/** The head of the queue: a delivery to send, or a page of events to fetch from the archive. Times in ms. */
export type ReplayHead = {
  position: number;
  /** The replay's uuid; null for a single delivery. */
  replay: string | null;
  /** Attempts of the head in this replay. */
  attempts: number;
  nextAttemptAt: number;
  /** When it became the head, in ms. */
  since: number;
  /** Whether the replay has made no attempt yet. */
  isFirst: boolean;
} & (
  | { kind: "send"; sequence: number }
  | { kind: "fetch"; archiveCursor: string; archiveSince: number; archiveUntil: number }
);

/** A new replay. `since`, `until`: its time range in ms; absent for a replay without one. */
type NewReplay = QueuedCount & {
  id?: string;
  kind: ReplayKind;
  from: number;
  to: number;
  since?: number;
  until?: number;
  /** Whether its deliveries are fetched from the archive, by `since` and `until`. */
  isArchived?: boolean;
};

/** A range of times of acceptance, in ms; `until` is excluded. */
export type TimeRange = { since: number; until: number };

/** A range of sequence numbers, both included. */
export type SequenceRange = { from: number; to: number };

/** How long finished replays are kept. */
const keptMs = 30 * 86_400_000;
/** The most finished replays that are kept, the newest ones. */
const keptMax = 1000;

/** The replays of one lane. */
export class Replays {
  readonly selection: ReplaySelection;
  readonly #sql: SqlStorage;
  /** Undefined: not read yet. */
  #head: ReplayHead | null | undefined;
  /** Every replay before this position is done, so that the search for the head skips them. */
  #doneBefore = 0;

  constructor(sql: SqlStorage, days: DayTables) {
    this.#sql = sql;
    this.selection = new ReplaySelection(sql, days);
    openReplayTables(sql);
  }

  /**
   * Appends a replay of a range of sequence numbers. @param id a new uuid. @param range.since and `until`: the
   * requested time range.
   */
  add(id: string, kind: "dead" | "all", range: SequenceRange & TimeRange & QueuedCount, now: number): void {
    this.#insert({ id, kind, ...range }, now);
  }

  /**
   * Appends a replay of all dead letters up to a sequence number. @param dead their number. @returns the replay's uuid.
   */
  addAllDead(upTo: number, dead: number, now: number): string {
    return this.#insert({ kind: "dead", from: 1, to: upTo, queued: dead, isExact: true }, now);
  }

  /**
   * Appends a replay of the dead letters among these deliveries, in the order of their sequence numbers.
   * @returns the replay's uuid and the number of its dead letters; null when there are none.
   */
  addPicked(sequences: readonly number[], now: number): { id: string; queued: number } | null {
    const dead = sequences.filter(
      (sequence) => this.selection.firstFrom("dead", sequence, sequence) !== null,
    );
    const picked = [...new Set(dead)].toSorted((a, b) => a - b);
    const [from, to] = [picked[0], picked.at(-1)];
    if (from === undefined || to === undefined) return null;
    const id = this.#insert({ kind: "picked", from, to, queued: picked.length, isExact: true }, now);
    this.#sql.exec(
      "INSERT INTO replay_details (position, picked) SELECT position, ? FROM replays WHERE id = ?",
      JSON.stringify(picked),
      id,
    );
    return { id, queued: picked.length };
  }

  /** Appends one finished delivery, or makes it due if it is in the queue already. */
  addOne(sequence: number, now: number): void {
    this.#head = undefined;
    const due = "UPDATE replays SET next_attempt_at = ? WHERE kind = 'one' AND cursor = ? AND done = 0";
    if (this.#sql.exec(due, now, sequence).rowsWritten > 0) return;
    this.#insert({ kind: "one", from: sequence, to: sequence, queued: 1, isExact: true }, now);
  }

  /** Appends a replay of missing events that were accepted in a time range. @param id a new uuid. */
  addMissing(id: string, range: TimeRange & QueuedCount, now: number): void {
    this.#insert({ id, kind: "missing", from: 1, to: 0, isArchived: true, ...range }, now);
  }

  /** @returns the progress of a replay; null when it does not exist, or is no longer kept. */
  progress(id: string): ReplayProgress | null {
    const [row] = this.#read("WHERE id = ?", id);
    return row === undefined ? null : progressOf(row);
  }

  /** @returns a page of running and finished replays, newest first, without single deliveries. */
  list({ limit, before = Number.MAX_SAFE_INTEGER }: { limit: number; before?: number }): ReplayPage {
    const rows = this.#read(
      "WHERE kind != 'one' AND position < ? ORDER BY position DESC LIMIT ?",
      before,
      limit + 1,
    );
    const shown = rows.slice(0, limit);
    return {
      replays: shown.map(listedReplay),
      next: rows.length > limit ? (shown.at(-1)?.position ?? null) : null,
    };
  }

  /** @returns the first `limit` replays that are not finished, in order. */
  running(limit: number): ReplayPage["replays"] {
    const rows = this.#read("WHERE done = 0 AND kind != 'one' ORDER BY position LIMIT ?", limit);
    return rows.map(listedReplay);
  }

  /** @returns the head of the queue, or null. Later replays wait for it. */
  head(now: number): ReplayHead | null {
    if (this.#head === undefined) this.#head = this.#readHead(now);
    return this.#head;
  }

  /** Notes that the head failed. @param nextAttemptAt the time of its retry, in ms. */
  delay(position: number, nextAttemptAt: number): void {
    this.#head = undefined;
    this.#sql.exec(
      "UPDATE replays SET attempts = attempts + 1, next_attempt_at = ? WHERE position = ?",
      nextAttemptAt,
      position,
    );
  }

  /**
   * Makes the head due. @param inactiveMs how long the webhook was paused or disabled, which does not count as the
   * head's age.
   */
  makeDue(now: number, inactiveMs: number): void {
    this.#head = undefined;
    this.#sql.exec(
      "UPDATE replays SET next_attempt_at = min(next_attempt_at, ?1), head_since = min(head_since + ?2, ?1) WHERE done = 0",
      now,
      inactiveMs,
    );
  }

  /** Shortens the waits after the clock was set back by `backMs`. */
  shift(backMs: number, now: number): void {
    this.#head = undefined;
    this.#sql.exec(
      `UPDATE replays SET next_attempt_at = max(next_attempt_at - ?1, ?2), head_since = min(head_since, ?2)
       WHERE done = 0 AND next_attempt_at > ?2`,
      backMs,
      now,
    );
  }

  /** Moves to the next delivery, after the head was delivered or given up. */
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

  /** Counts a head that was given up. */
  noteGivenUp(position: number): void {
    this.#sql.exec(
      `INSERT INTO replay_details (position, given_up) VALUES (?, 1)
       ON CONFLICT (position) DO UPDATE SET given_up = given_up + 1`,
      position,
    );
  }

  /** Notes a fetched page, whose deliveries are next. `archiveCursor`: of the next page; null at the end. */
  fetched(position: number, page: SequenceRange & { archiveCursor: string | null }): void {
    this.#head = undefined;
    this.#sql.exec(
      "UPDATE replays SET cursor = ?, last = ?, archive_cursor = ? WHERE position = ?",
      page.from,
      page.to,
      page.archiveCursor,
      position,
    );
  }

  /** Stops a replay. @returns the range that was not sent; null when no replay with this uuid is running. */
  stop(id: string, now: number): (SequenceRange & { kind: ReplayKind }) | null {
    const [row] = this.#read("WHERE id = ? AND done = 0 AND kind != 'one'", id);
    if (row === undefined) return null;
    this.#head = undefined;
    this.#sql.exec(
      "UPDATE replays SET done = 1, stopped = 1, head_since = ? WHERE position = ?",
      now,
      row.position,
    );
    return { kind: row.kind, from: row.cursor, to: row.last };
  }

  /** Whether a replay is running. It may have been stopped. */
  isRunning(position: number): boolean {
    return this.#read("WHERE position = ? AND done = 0", position).length > 0;
  }

  /** @returns the first delivery that was fetched from the archive and may not have been sent; null without any. */
  firstUnsentMissing(): number | null {
    const query =
      "SELECT min(cursor) AS first FROM replays WHERE done = 0 AND kind = 'missing' AND cursor <= last";
    return this.#sql.exec<{ first: number | null }>(query).one().first;
  }

  /** Whether a running replay has deliveries between these sequence numbers. */
  any(from: number, to: number): boolean {
    const query = "SELECT 1 FROM replays WHERE done = 0 AND cursor <= ? AND last >= ? LIMIT 1";
    return this.#sql.exec(query, to, from).toArray().length > 0;
  }

  #read(condition: string, ...bindings: (string | number)[]): ReplayRow[] {
    return this.#sql
      .exec<ReplayRow>(`SELECT * FROM ${replaysWithDetails} ${condition}`, ...bindings)
      .toArray();
  }

  #insert(replay: NewReplay, now: number): string {
    this.#head = undefined;
    const { id = crypto.randomUUID(), kind, from, to, since = null, until = null } = replay;
    const { queued, isExact, isArchived = false } = replay;
    if (kind !== "one") this.#forgetOld(now);
    this.#sql.exec(
      `INSERT INTO replays (id, kind, cursor, last, next_attempt_at, head_since, queued, is_exact, started_at, since, until,
         archive_cursor, archive_since, archive_until)
       VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?5, ?8, ?9, ?10, coalesce(?8, 0), coalesce(?9, 0))`,
      id,
      kind,
      from,
      to,
      now,
      queued,
      isExact ? 1 : 0,
      since,
      until,
      isArchived ? 0 : null,
    );
    return id;
  }

  #forgetOld(now: number): void {
    this.#sql.exec(
      `DELETE FROM replays WHERE done = 1 AND (head_since < ? OR position <= (
         SELECT position FROM replays WHERE done = 1 ORDER BY position DESC LIMIT 1 OFFSET ${keptMax}
       ))`,
      now - keptMs,
    );
    this.#sql.exec("DELETE FROM replay_details WHERE position NOT IN (SELECT position FROM replays)");
  }

  #readHead(now: number): ReplayHead | null {
    for (;;) {
      const [row] = this.#read(
        "WHERE position >= ? AND done = 0 ORDER BY position LIMIT 1",
        this.#doneBefore,
      );
      if (row === undefined) return null;
      this.#doneBefore = row.position;
      const head = this.#headOf(row, now);
      if (head !== null) return head;
      this.#end(row, now);
    }
  }

  #headOf(row: ReplayRow, now: number): ReplayHead | null {
    const common = {
      position: row.position,
      replay: row.kind === "one" ? null : row.id,
      attempts: row.attempts,
      // If the clock was set back, the wait does not exceed the back-off. `Retry-After` is stored in the receiver's
      // health.
      nextAttemptAt: Math.min(row.next_attempt_at, now + retryDelayMs(Math.max(row.attempts, 1), 1)),
      since: row.head_since,
      isFirst: row.sent === 0 && row.attempts === 0,
    };
    const sequence = this.selection.firstFrom(row.kind, row.cursor, row.last, row.picked);
    if (sequence !== null) return { ...common, kind: "send", sequence };
    const { archive_cursor: archiveCursor, archive_since: archiveSince, archive_until: archiveUntil } = row;
    return archiveCursor === null
      ? null
      : { ...common, kind: "fetch", archiveCursor: String(archiveCursor), archiveSince, archiveUntil };
  }

  /** Ends a replay whose deliveries were all sent. A single delivery is removed, because no list contains it. */
  #end({ position, kind }: ReplayRow, now: number): void {
    if (kind !== "one") {
      this.#sql.exec("UPDATE replays SET done = 1, head_since = ? WHERE position = ?", now, position);
      return;
    }
    this.#sql.exec("DELETE FROM replays WHERE position = ?", position);
    this.#sql.exec("DELETE FROM replay_details WHERE position = ?", position);
  }
}
