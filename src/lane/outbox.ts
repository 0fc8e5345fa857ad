/**
 * A lane's deliveries on disk: accepts them, and records the result of each attempt. `PendingDeliveries` finds them.
 */
import { headersColumn } from "./attempt-egress";
import { CounterCheck } from "./counter-check";
import { type Day, type DayTables, indexed, tableOf } from "./day-tables";
import { type DeliveryState, deliveryStatus, type DeliveryStatus } from "./delivery-state";
import type { EarlierAttempts } from "./earlier-attempts";
import type { HandoverEvent } from "./handover";
import type { PendingDelivery } from "./pending-deliveries";
import type { SeenEvents } from "./seen-events";
import type { SequenceRange } from "./replays";
import type { SentAttempt } from "../send/sender";

/** A delivery's state on disk. `tick`: see `RecordedAttempt`. */
export type StoredState = DeliveryState & { attempts: number; agedFrom: number | null; tick: number };

/** The new state of a delivery that is stored with an attempt. */
export type RecordedAttempt = DeliveryState & {
  agedFrom: number;
  /**
   * The lane's number of attempts, including this one: it tells whether a checkpoint has counted the attempt. 0: it is
   * never recounted.
   */
  tick: number;
};

type StateRow = {
  status: DeliveryStatus;
  attempts: number;
  next_attempt_at: number | null;
  aged_from: number | null;
  tick: number;
};

/** Rows per INSERT: a statement has at most 100 parameters, and a row has four. */
const eventsPerInsert = 24;

/** The outbox of one lane. Transactions are the caller's. */
export class Outbox {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;
  readonly #seenEvents: SeenEvents;
  readonly #earlier: EarlierAttempts;
  #lastSequence: number;
  /** When the latest delivery was accepted, in ms; null: not read yet. */
  #lastAcceptedAt: number | null = null;
  /** The counter check under way, which must be told of every change of a status. */
  #check: CounterCheck | null = null;

  /**
   * @param parts.earlier stores the attempts that later ones replace in a row.
   * @param parts.seenEvents tells which events are new, and records the accepted ones.
   * @param parts.sequenceBase the last sequence number when a day was last pruned: its row may be gone.
   */
  constructor(
    sql: SqlStorage,
    parts: { days: DayTables; seenEvents: SeenEvents; earlier: EarlierAttempts; sequenceBase: number },
  ) {
    const { days, seenEvents, earlier, sequenceBase } = parts;
    this.#sql = sql;
    this.#days = days;
    this.#seenEvents = seenEvents;
    this.#earlier = earlier;
    this.#lastSequence = Math.max(this.#days.lastSequence() ?? 0, sequenceBase);
  }

  /** Reads the last sequence number from disk again, after a transaction was rolled back. */
  reload(sequenceBase: number): void {
    this.#days.reload();
    this.#seenEvents.reload();
    this.#lastAcceptedAt = null;
    this.#lastSequence = Math.max(this.#days.lastSequence() ?? 0, sequenceBase);
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  /**
   * Accepts events, after all others. @returns the delivery of each event; null when the event was not new.
   * @param prunedThrough events first accepted before this time (ms) are never new, because their deliveries may have
   *   been removed.
   */
  accept(events: readonly HandoverEvent[], now: number, prunedThrough: number): (PendingDelivery | null)[] {
    const isNew = this.#seenEvents.areNew(events, prunedThrough);
    const fresh = events.filter((_, place) => isNew[place]);
    let sequence = this.#insert(fresh, now, deliveryStatus.pending);
    return events.map((event, place) => (isNew[place] ? acceptedAs(event, sequence++) : null));
  }

  /** Accepts events for a replay. @returns the first and last sequence numbers of their deliveries. */
  acceptForReplay(events: readonly HandoverEvent[], now: number): SequenceRange {
    return { from: this.#insert(events, now, deliveryStatus.replaying), to: this.#lastSequence };
  }

  /** @returns the first of their sequence numbers. */
  #insert(events: readonly HandoverEvent[], now: number, status: DeliveryStatus): number {
    const first = this.#lastSequence + 1;
    // Sequence numbers and times of acceptance must rise together, also if the clock is set back.
    this.#lastAcceptedAt ??= this.#days.lastAcceptedAt();
    const acceptedAt = Math.max(now, this.#lastAcceptedAt);
    for (let start = 0; start < events.length; start += eventsPerInsert) {
      const chunk = events.slice(start, start + eventsPerInsert);
      const rows = chunk.map((_, index) => `(?2 + ${index}, ${status}, ?1${", ?".repeat(4)})`);
      this.#sql.exec(
        `INSERT INTO ${this.#days.current(now, first)} (sequence, status, accepted_at, event_uuid, event_type, line, event)
         VALUES ${rows.join(", ")}`,
        acceptedAt,
        first + start,
        ...chunk.flatMap((event) => [event.uuid, event.type, orderingKeyOf(event), event.body]),
      );
    }
    this.#lastSequence += events.length;
    if (events.length > 0) this.#lastAcceptedAt = acceptedAt;
    this.#seenEvents.noteAccepted(events, { sequence: first, acceptedAt });
    return first;
  }

  /** @returns a delivery's current state; null when it does not exist, or no longer. */
  state(sequence: number): StoredState | null {
    const table = this.#days.of(sequence);
    if (table === null) return null;
    const [row] = this.#sql
      .exec<StateRow>(
        `SELECT status, attempts, next_attempt_at, aged_from, tick FROM ${table} WHERE sequence = ?`,
        sequence,
      )
      .toArray();
    if (row === undefined) return null;
    const { status, attempts, next_attempt_at: nextAttemptAt, aged_from: agedFrom, tick } = row;
    return { status, attempts, nextAttemptAt, agedFrom, tick };
  }

  /**
   * Stores an attempt and the new state in the delivery's row. The previous attempt moves to the table `attempts`.
   * @param before the delivery's state in this transaction.
   */
  record(sequence: number, before: StoredState, sent: SentAttempt, after: RecordedAttempt): void {
    const table = this.#days.of(sequence);
    if (table === null) return;
    this.#check?.note(sequence, before.status, after.status);
    if (before.attempts > 0) this.#earlier.keep(sequence, table);
    this.#update(table, "sequence = ?14", { sequence, sent, after });
  }

  /**
   * Stores the success of a pending delivery's first attempt, with one statement.
   * @returns false when the delivery is no longer pending or was tried meanwhile; nothing is then written.
   */
  recordFirstSuccess(sequence: number, sent: SentAttempt, after: Omit<RecordedAttempt, "status">): boolean {
    const table = this.#days.of(sequence);
    if (table === null) return false;
    const { pending, delivered } = deliveryStatus;
    const isUntried = `sequence = ?14 AND status = ${pending} AND attempts = 0`;
    const isWritten = this.#update(table, isUntried, {
      sequence,
      sent,
      after: { ...after, status: delivered },
    });
    if (isWritten) this.#check?.note(sequence, pending, delivered);
    return isWritten;
  }

  /** @returns whether a row met the condition. */
  #update(
    table: string,
    condition: string,
    { sequence, sent, after }: { sequence: number; sent: SentAttempt; after: RecordedAttempt },
  ): boolean {
    const { result } = sent;
    const updated = this.#sql.exec(
      `UPDATE ${table} SET status = ?1, attempts = attempts + 1, tick = ?2, next_attempt_at = ?3, aged_from = ?4,
         delivered_at = coalesce(?5, delivered_at), started_at = ?6, duration_ms = ?7, response_status = ?8, error = ?9,
         config_version = ?10, request_headers = ?11, response_headers = ?12, response_body = ?13
       WHERE ${condition}`,
      after.status,
      after.tick,
      after.nextAttemptAt,
      after.agedFrom,
      result.error === null ? result.startedAt + result.durationMs : null,
      result.startedAt,
      result.durationMs,
      result.status,
      result.error,
      sent.configVersion,
      JSON.stringify(sent.headers),
      headersColumn(result),
      result.responseBody,
      sequence,
    );
    return updated.rowsWritten > 0;
  }

  /**
   * Stores that another delivery's message ended this one, which had no attempt of its own.
   * @param before its status until now.
   */
  recordCarried(
    sequence: number,
    before: DeliveryStatus,
    { result }: SentAttempt,
    after: DeliveryState & { tick: number },
  ): void {
    const table = this.#days.of(sequence);
    if (table === null) return;
    this.#check?.note(sequence, before, after.status);
    this.#sql.exec(
      `UPDATE ${table} SET status = ?, tick = ?, next_attempt_at = ?, delivered_at = coalesce(?, delivered_at),
         started_at = ?, duration_ms = ?, response_status = ?, error = ?
       WHERE sequence = ?`,
      after.status,
      after.tick,
      after.nextAttemptAt,
      result.error === null ? result.startedAt + result.durationMs : null,
      result.startedAt,
      result.durationMs,
      result.status,
      result.error,
      sequence,
    );
  }

  /** Writes a delivery's row without changing it. @returns false when there is no such row. */
  rewrite(sequence: number): boolean {
    const table = this.#days.of(sequence);
    if (table === null) return false;
    const query = `UPDATE ${table} SET attempts = attempts WHERE sequence = ?`;
    return this.#sql.exec(query, sequence).rowsWritten > 0;
  }

  /** Makes all deliveries due that wait for a retry. @param now in ms. */
  makeDue(now: number): void {
    for (const table of this.#days.from(1)) {
      this.#sql.exec(
        `UPDATE ${this.#days.by("failed", table)} SET next_attempt_at = ?
         WHERE ${indexed.failed} AND next_attempt_at > ?`,
        now,
        now,
      );
    }
  }

  /** Stores a delivery's new state, without an attempt. @param before its status until now. */
  setState(sequence: number, before: DeliveryStatus, { status, nextAttemptAt }: DeliveryState): void {
    const table = this.#days.of(sequence);
    if (table === null) return;
    this.#check?.note(sequence, before, status);
    this.#sql.exec(
      `UPDATE ${table} SET status = ?, next_attempt_at = ? WHERE sequence = ?`,
      status,
      nextAttemptAt,
      sequence,
    );
  }

  /**
   * Ends the deliveries that a stopped replay has not sent. Untried ones are removed, so that their events count as
   * missing again; those that were tried or are `underWay` become dead letters. There are at most as many as in a page
   * of the archive (`fetchMissing`).
   */
  dropUnsent({ from, to }: SequenceRange, underWay: number | null): { removed: number; dead: number } {
    this.endCheck();
    const changed = { removed: 0, dead: 0 };
    const isUnsent = `sequence BETWEEN ? AND ? AND status = ${deliveryStatus.replaying}`;
    for (const table of this.#days.from(from)) {
      const removed = this.#sql
        .exec<{ event_uuid: string }>(
          `DELETE FROM ${table} WHERE ${isUnsent} AND attempts = 0 AND sequence IS NOT ? RETURNING event_uuid`,
          from,
          to,
          underWay,
        )
        .toArray();
      this.#seenEvents.forget(removed.map((row) => row.event_uuid));
      changed.removed += removed.length;
      changed.dead += this.#sql
        .exec(
          `UPDATE ${table} SET status = ${deliveryStatus.dead}, next_attempt_at = NULL WHERE ${isUnsent}
           RETURNING sequence`,
          from,
          to,
        )
        .toArray().length;
    }
    return changed;
  }

  /** Starts a check of the counters. @param from every delivery before this sequence number is finished. */
  beginCheck(from: number): CounterCheck {
    this.#check = new CounterCheck(this.#sql, this.#days, from);
    return this.#check;
  }

  /** Whether a check is still valid. Removing rows makes it invalid. */
  isChecking(check: CounterCheck): boolean {
    return this.#check === check;
  }

  /** Ends the check that is under way, if any. */
  endCheck(): void {
    this.#check = null;
  }

  /** Whether a day's table has dead letters. */
  hasDead(day: Day): boolean {
    const query = `SELECT 1 FROM ${this.#days.by("dead", tableOf(day))} WHERE ${indexed.dead} LIMIT 1`;
    return this.#sql.exec(query).toArray().length > 0;
  }

  /** @returns the number of dead letters in a day's table. Reads one row for each. */
  countDead(day: Day): number {
    return this.#sql
      .exec<{ n: number }>(
        `SELECT count(*) AS n FROM ${this.#days.by("dead", tableOf(day))} WHERE ${indexed.dead}`,
      )
      .one().n;
  }

  /** Removes the data about events of a day that was dropped. */
  forgetDay({ day }: Day): void {
    this.endCheck();
    const [oldest] = this.#days.all;
    this.#seenEvents.forgetDay(day, oldest?.firstSequence ?? this.#lastSequence + 1);
  }
}

/** @returns the ordering key: the event's job, else its project, else its type. */
function orderingKeyOf(event: HandoverEvent): string {
  if (event.jobUuid !== null) return `job ${event.jobUuid}`;
  if (event.projectUuid !== null) return `project ${event.projectUuid}`;
  return `type ${event.type}`;
}

/** @returns the delivery of an event that was just accepted. */
function acceptedAs(event: HandoverEvent, sequence: number): PendingDelivery {
  return { sequence, orderingKey: orderingKeyOf(event), nextAttemptAt: null, attempts: 0 };
}
