/** A lane's deliveries on disk: accepting them, and recording the result of each attempt. `PendingDeliveries` finds them. */
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

/** A delivery as it is on disk when an outcome is to be recorded. `tick`: see `RecordedAttempt`. */
export type StoredState = DeliveryState & { attempts: number; agedFrom: number | null; tick: number };

/** What is written down with an attempt. */
export type RecordedAttempt = DeliveryState & {
  agedFrom: number;
  /** The lane's count of attempts, this one included: tells which ones a checkpoint has counted. 0: never recounted. */
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

export class Outbox {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;
  readonly #seenEvents: SeenEvents;
  readonly #earlier: EarlierAttempts;
  #lastSequence: number;
  /** When the latest delivery was accepted, in ms; null: to be read. */
  #lastAcceptedAt: number | null = null;
  /** Told of every delivery whose status changes, while counters are checked. */
  #check: CounterCheck | null = null;

  /**
   * @param parts.earlier is given what a row loses to its next attempt.
   * @param parts.seenEvents is asked which events are new, and told which were accepted.
   * @param parts.sequenceBase the last sequence given when a day was last pruned: the rows that had it may be gone.
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

  /** Reads anew from disk where the sequences stand, after a transaction was undone. */
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
   * Accepts events, behind all others. @returns the delivery of each, or null when the event was not new.
   * @param prunedThrough what was first accepted before this time may have been here, and is never new.
   */
  accept(events: readonly HandoverEvent[], now: number, prunedThrough: number): (PendingDelivery | null)[] {
    const isNew = this.#seenEvents.areNew(events, prunedThrough);
    const fresh = events.filter((_, place) => isNew[place]);
    let sequence = this.#insert(fresh, now, deliveryStatus.pending);
    return events.map((event, place) => (isNew[place] ? acceptedAs(event, sequence++) : null));
  }

  /** Accepts events for a replay. @returns their first and last sequences. */
  acceptForReplay(events: readonly HandoverEvent[], now: number): SequenceRange {
    return { from: this.#insert(events, now, deliveryStatus.replaying), to: this.#lastSequence };
  }

  /** @returns the first of the sequences that they get. */
  #insert(events: readonly HandoverEvent[], now: number, status: DeliveryStatus): number {
    const first = this.#lastSequence + 1;
    // Sequences and acceptance times rise together, also when the clock goes back.
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

  /** What a delivery is now, or null when it is not there (any more). */
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
   * Writes down an attempt and what follows from it, in the delivery's own row: the attempt before it moves
   * to `attempts`.
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
   * Writes down that the first attempt of a pending delivery succeeded, as one statement.
   * @returns false, with nothing written, when the delivery is not pending any more, or was attempted meanwhile.
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

  /** @returns whether there was a row that meets the condition. */
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
   * Writes down that the message of another delivery ended this one, which had no attempt of its own.
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

  /** Writes a delivery's row as it is. @returns false when there is no such row. */
  rewrite(sequence: number): boolean {
    const table = this.#days.of(sequence);
    if (table === null) return false;
    const query = `UPDATE ${table} SET attempts = attempts WHERE sequence = ?`;
    return this.#sql.exec(query, sequence).rowsWritten > 0;
  }

  /** Makes due what waits for a retry. */
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

  /** Writes down what a delivery is now, without an attempt. @param before its status until now. */
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
   * Ends the deliveries that a replay has not sent: removes those never tried, so that their events count as missing again,
   * and gives up those that were tried, or are `underWay`. At most a page of the archive (`fetchMissing`).
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

  /** Begins a check of the counters. @param from every delivery before this sequence is finished. */
  beginCheck(from: number): CounterCheck {
    this.#check = new CounterCheck(this.#sql, this.#days, from);
    return this.#check;
  }

  /** Whether a check still counts right: it does not once rows were removed. */
  isChecking(check: CounterCheck): boolean {
    return this.#check === check;
  }

  /** Ends the check that is under way, if any. */
  endCheck(): void {
    this.#check = null;
  }

  /** How many dead letters lie in a day's table. */
  countDead(day: Day): number {
    return this.#sql
      .exec<{ n: number }>(
        `SELECT count(*) AS n FROM ${this.#days.by("dead", tableOf(day))} WHERE ${indexed.dead}`,
      )
      .one().n;
  }

  /** Forgets what belonged to the deliveries of a day that was dropped. */
  forgetDay({ day }: Day): void {
    this.endCheck();
    const [oldest] = this.#days.all;
    this.#seenEvents.forgetDay(day, oldest?.firstSequence ?? this.#lastSequence + 1);
  }
}

/** In order per job, else per project, else per event type. */
function orderingKeyOf(event: HandoverEvent): string {
  if (event.jobUuid !== null) return `job ${event.jobUuid}`;
  if (event.projectUuid !== null) return `project ${event.projectUuid}`;
  return `type ${event.type}`;
}

/** A delivery as it is when it was just accepted. */
function acceptedAs(event: HandoverEvent, sequence: number): PendingDelivery {
  return { sequence, orderingKey: orderingKeyOf(event), nextAttemptAt: null, attempts: 0 };
}
