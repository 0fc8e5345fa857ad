/** Finds a lane's pending deliveries, from which the schedule is built. Writes nothing. */
import { type DayTables, indexed } from "./day-tables";
import { deliveryStatus, type DeliveryStatus } from "./delivery-state";

/** A pending delivery, for the schedule. */
export type PendingDelivery = {
  sequence: number;
  /** Deliveries with the same key are sent one after another (in `keyed` ordering). */
  orderingKey: string;
  /** The earliest time of its next attempt, in ms; null when it was never tried. */
  nextAttemptAt: number | null;
  attempts: number;
};

/** A delivery with everything that its next attempt needs. */
export type LoadedDelivery = PendingDelivery & {
  status: DeliveryStatus;
  /** The lane's active clock at its first attempt, from which its age counts. Null before the first attempt. */
  agedFrom: number | null;
  eventUuid: string;
  eventType: string;
  event: string;
};

type PendingRow = {
  sequence: number;
  status: DeliveryStatus;
  aged_from: number | null;
  line: string;
  next_attempt_at: number | null;
  attempts: number;
  started_at: number | null;
  duration_ms: number | null;
  event_uuid: string;
  event_type: string;
  event: string;
};

const pendingColumns = "sequence, line, next_attempt_at, attempts, started_at, duration_ms";
/** The most rows that one step of a search scans. Other calls run between two steps. */
const rowsPerLook = 1000;
/** The most deliveries that one step finds. */
const foundPerLook = 500;

/** The pending deliveries of one lane. */
export class PendingDeliveries {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;

  constructor(sql: SqlStorage, days: DayTables) {
    this.#sql = sql;
    this.#days = days;
  }

  /**
   * Finds the pending deliveries after `sequence`, in order. Scans a bounded number of rows.
   * @param lastSequence of the lane.
   * @returns the deliveries, and the sequence number up to which there are no others.
   */
  after(sequence: number, lastSequence: number): { found: PendingDelivery[]; scannedTo: number } {
    const now = Date.now();
    const to = Math.min(sequence + rowsPerLook, lastSequence);
    const found: PendingDelivery[] = [];
    for (const table of this.#days.from(sequence + 1)) {
      const rows = this.#sql.exec<PendingRow>(
        `SELECT ${pendingColumns} FROM ${table}
         WHERE sequence BETWEEN ? AND ? AND status = ${deliveryStatus.pending} ORDER BY sequence LIMIT ?`,
        sequence + 1,
        to,
        foundPerLook - found.length,
      );
      for (const row of rows) found.push(pendingOf(row, now));
      if (found.length === foundPerLook) return { found, scannedTo: found.at(-1)?.sequence ?? to };
    }
    return { found, scannedTo: to };
  }

  /**
   * Whether a delivery with this ordering key is pending between these sequence numbers (both exclusive). Reads all
   * rows between them.
   */
  existBetween(from: number, to: number, orderingKey: string): boolean {
    return this.#days
      .from(from + 1)
      .some(
        (table) =>
          this.#sql
            .exec(
              `SELECT 1 FROM ${table} WHERE sequence > ? AND sequence < ? AND status = ${deliveryStatus.pending} AND line = ? LIMIT 1`,
              from,
              to,
              orderingKey,
            )
            .toArray().length > 0,
      );
  }

  /** @returns at most `limit` deliveries that wait for a retry between these sequence numbers (inclusive), in order. */
  failedBetween(from: number, to: number, limit: number): PendingDelivery[] {
    const now = Date.now();
    const found: PendingDelivery[] = [];
    for (const table of this.#days.from(from)) {
      if (found.length === limit) break;
      const rows = this.#sql.exec<PendingRow>(
        `SELECT ${pendingColumns} FROM ${this.#days.by("failed", table)}
         WHERE ${indexed.failed} AND sequence BETWEEN ? AND ? AND status = ${deliveryStatus.pending}
         ORDER BY sequence LIMIT ?`,
        from,
        to,
        limit - found.length,
      );
      for (const row of rows) found.push(pendingOf(row, now));
    }
    return found;
  }

  /**
   * @returns at most `limit` pending deliveries after `sequence`, in order, with the lengths of their events' texts.
   *   Scans a bounded number of rows.
   */
  sizesBehind(
    sequence: number,
    { lastSequence, limit }: { lastSequence: number; limit: number },
  ): { sequence: number; attempts: number; characters: number }[] {
    const to = Math.min(sequence + rowsPerLook, lastSequence);
    const found: { sequence: number; attempts: number; characters: number }[] = [];
    for (const table of this.#days.from(sequence + 1)) {
      if (found.length === limit) break;
      const rows = this.#sql.exec<{ sequence: number; attempts: number; characters: number }>(
        `SELECT sequence, attempts, length(event) AS characters FROM ${table}
         WHERE sequence BETWEEN ? AND ? AND status = ${deliveryStatus.pending} ORDER BY sequence LIMIT ?`,
        sequence + 1,
        to,
        limit - found.length,
      );
      found.push(...rows);
    }
    return found;
  }

  /** @returns the length of a delivery's event; 0 when the delivery does not exist. */
  charactersOf(sequence: number): number {
    const table = this.#days.of(sequence);
    if (table === null) return 0;
    const query = `SELECT length(event) AS characters FROM ${table} WHERE sequence = ?`;
    return this.#sql.exec<{ characters: number }>(query, sequence).toArray()[0]?.characters ?? 0;
  }

  /** @returns when a delivery was accepted, in ms; null when it does not exist. */
  acceptedAt(sequence: number): number | null {
    const table = this.#days.of(sequence);
    if (table === null) return null;
    const query = `SELECT accepted_at FROM ${table} WHERE sequence = ?`;
    return this.#sql.exec<{ accepted_at: number }>(query, sequence).toArray()[0]?.accepted_at ?? null;
  }

  /** @returns which of these deliveries are pending and were never tried. */
  untriedAmong(sequences: readonly number[]): number[] {
    return sequences.filter((sequence) => {
      const table = this.#days.of(sequence);
      if (table === null) return false;
      const query = `SELECT 1 FROM ${table} WHERE sequence = ? AND status = ${deliveryStatus.pending} AND attempts = 0`;
      return this.#sql.exec(query, sequence).toArray().length > 0;
    });
  }

  /** @returns a delivery from disk; null when it does not exist. */
  load(sequence: number): LoadedDelivery | null {
    const table = this.#days.of(sequence);
    if (table === null) return null;
    const [row] = this.#sql
      .exec<PendingRow>(
        `SELECT sequence, status, line, next_attempt_at, attempts, started_at, duration_ms, aged_from, event_uuid, event_type, event
         FROM ${table} WHERE sequence = ?`,
        sequence,
      )
      .toArray();
    if (row === undefined) return null;
    return {
      ...pendingOf(row, Date.now()),
      status: row.status,
      agedFrom: row.aged_from,
      eventUuid: row.event_uuid,
      eventType: row.event_type,
      event: row.event,
    };
  }

  /** @returns when the latest attempt between these sequence numbers started, in ms; null without any. */
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
}

function pendingOf(row: PendingRow, now: number): PendingDelivery {
  return {
    sequence: row.sequence,
    orderingKey: row.line,
    nextAttemptAt: retryTimeOf(row, now),
    attempts: row.attempts,
  };
}

/**
 * @returns the time of the retry, in ms. If the clock was set back, it is moved, so that the wait does not become
 *   longer.
 */
function retryTimeOf(row: PendingRow, now: number): number | null {
  const { next_attempt_at: at, started_at: startedAt, duration_ms: durationMs } = row;
  if (at === null || startedAt === null || durationMs === null) return at;
  const failedAt = startedAt + durationMs;
  return now < failedAt ? now + at - failedAt : at;
}
