/** Reads the log of a lane's deliveries, for the API and the pages. */
import { parseHeadersColumn } from "./attempt-egress";
import { type DayTables, indexed } from "./day-tables";
import type { ErrorClass } from "../send/error-class";
import { sentenceOfText } from "../send/message/event-text";
import { deliveryStatus } from "./delivery-state";
import type { Digests } from "./digests";
import { expectedRetryAt, type ReceiverHealth } from "./receiver-health";
import type { SequenceRange } from "./replays";

/** The statuses of deliveries in the API and on pages. `failed`: waits for a retry. */
export const shownStatuses = ["pending", "delivered", "failed", "dead"] as const;
/** One of these statuses. */
export type ShownStatus = (typeof shownStatuses)[number];

/** A delivery in a list; times in ms. */
export type LoggedDelivery = {
  sequence: number;
  eventUuid: string;
  eventType: string;
  status: ShownStatus;
  acceptedAt: number;
  nextAttemptAt: number | null;
  deliveredAt: number | null;
  /** When the latest attempt began; null before the first. */
  lastAttemptAt: number | null;
  attempts: number;
  lastStatus: number | null;
  lastError: ErrorClass | null;
  /** The sequence of the delivery whose message carries it, or carried it; null when it goes alone. */
  carriedBy: number | null;
  /** The event's sentence; only if the query asks for titles. */
  title?: string;
};

/** An attempt of a delivery; times in ms. */
export type LoggedAttempt = {
  number: number;
  startedAt: number;
  durationMs: number;
  status: number | null;
  error: ErrorClass | null;
  /** The name of the egress; null when the request was sent directly. */
  egress: string | null;
  responseHeaders: Record<string, string>;
  responseBody: string;
};

/** A delivery in full. `sent`: of its latest attempt, with the headers that only that one had; null before the first. */
export type FullDelivery = LoggedDelivery & {
  event: string;
  sent: { configVersion: number; headers: Record<string, string> } | null;
  /** The sequences of the deliveries that its latest attempt carried, too. */
  carries: number[];
  history: LoggedAttempt[];
};

/** The filters of a list. Times in ms, `until` excluded. */
export type LogQuery = {
  status?: ShownStatus;
  eventType?: string;
  since?: number;
  until?: number;
  limit: number;
  /** Only deliveries below this sequence. */
  before?: number;
  /** Whether to return titles, which contain parts of the events' texts. This reads no additional rows. */
  withTitles?: boolean;
};

/** `next`: pass it as `before` for the next page; null at the end. */
export type LogPage = { deliveries: LoggedDelivery[]; next: number | null };

/** The most deliveries waiting for a retry that are counted, because each view of a webhook counts them. */
const failedCountMax = 10_000;
/** The most deliveries that one call scans, so that a filter with few matches does not block the lane. */
const scannedMax = 50_000;

type Row = {
  sequence: number;
  status: number;
  attempts: number;
  accepted_at: number;
  next_attempt_at: number | null;
  delivered_at: number | null;
  started_at: number | null;
  event_uuid: string;
  event_type: string;
  response_status: number | null;
  error: ErrorClass | null;
};

type AttemptRow = {
  number: number;
  started_at: number;
  duration_ms: number;
  response_status: number | null;
  error: ErrorClass | null;
  response_headers: string;
  response_body: string;
};

type FullRow = Row &
  Omit<AttemptRow, "number"> & { event: string; config_version: number; request_headers: string };

const columns = `sequence, status, attempts, accepted_at, next_attempt_at, delivered_at, started_at, event_uuid, event_type,
  response_status, error`;

const statusConditions: Record<ShownStatus, string> = {
  pending: `status IN (${deliveryStatus.pending}, ${deliveryStatus.replaying}) AND attempts = 0`,
  failed: indexed.failed,
  delivered: `status = ${deliveryStatus.delivered}`,
  dead: indexed.dead,
};

/** The log of one lane. Only reads. */
export class DeliveryLog {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;
  readonly #digests: Digests;
  readonly #health: () => ReceiverHealth;

  /** @param parts.health what is known of the webhook's receiver. */
  constructor(sql: SqlStorage, parts: { days: DayTables; digests: Digests; health: () => ReceiverHealth }) {
    this.#sql = sql;
    this.#days = parts.days;
    this.#digests = parts.digests;
    this.#health = parts.health;
  }

  /** @returns a page, newest first. It may have fewer than `limit` deliveries and still a next page. */
  list(query: LogQuery): LogPage {
    const { status } = query;
    const { from, to: newest } = this.#sequencesOf(query);
    const isIndexed = (status === "failed" || status === "dead") && query.eventType === undefined;
    const lowest = isIndexed ? from : Math.max(newest - scannedMax + 1, from);
    const { sql, bindings } = conditionsOf(query);
    const found: LoggedDelivery[] = [];
    const read = query.withTitles ? `${columns}, event` : columns;
    for (const table of this.#days.downFrom(newest)) {
      const source = status === "failed" || status === "dead" ? this.#days.by(status, table) : table;
      const rows = this.#sql.exec<Row & { event?: string }>(
        `SELECT ${read} FROM ${source} WHERE sequence BETWEEN ? AND ? ${sql} ORDER BY sequence DESC LIMIT ?`,
        lowest,
        newest,
        ...bindings,
        query.limit - found.length,
      );
      for (const { event, ...row } of rows) found.push({ ...this.#deliveryOf(row), ...titleOf(event) });
      if (found.length === query.limit) break;
    }
    const reached = found.length === query.limit ? (found.at(-1)?.sequence ?? lowest) : lowest;
    return { deliveries: found, next: this.#endsBefore(reached, query.since) ? null : reached };
  }

  /** @returns the sequence numbers that may match: they and the times of acceptance rise together. */
  #sequencesOf({ since, until, before }: LogQuery): SequenceRange {
    const end =
      until === undefined ? (this.#days.lastSequence() ?? 0) + 1 : this.#days.firstSequenceSince(until);
    return {
      from: since === undefined ? 1 : this.#days.firstSequenceSince(since),
      to: Math.min(end, before ?? end) - 1,
    };
  }

  /**
   * Whether no deliveries below a sequence number are left, or all are older than `since`: sequence numbers and times
   * rise together.
   */
  #endsBefore(sequence: number, since = 0): boolean {
    for (const table of this.#days.downFrom(sequence - 1)) {
      const [next] = this.#sql
        .exec<{ accepted_at: number }>(
          `SELECT accepted_at FROM ${table} WHERE sequence < ? ORDER BY sequence DESC LIMIT 1`,
          sequence,
        )
        .toArray();
      if (next !== undefined) return next.accepted_at < since;
    }
    return true;
  }

  /** @returns one delivery in full; null when it does not exist, or no longer. */
  full(sequence: number): FullDelivery | null {
    const table = this.#days.of(sequence);
    if (table === null) return null;
    const [row] = this.#sql.exec<FullRow>(`SELECT * FROM ${table} WHERE sequence = ?`, sequence).toArray();
    if (row === undefined) return null;
    const delivery = { ...this.#deliveryOf(row), event: row.event };
    if (row.attempts === 0) return { ...delivery, sent: null, carries: [], history: [] };
    const earlier = this.#sql
      .exec<AttemptRow>("SELECT * FROM attempts WHERE sequence = ? ORDER BY number", sequence)
      .toArray();
    return {
      ...delivery,
      sent: { configVersion: row.config_version, headers: headersOf(row.request_headers) },
      carries: this.#digests.carriedBy(row),
      history: [...earlier, { ...row, number: row.attempts }].map(attemptOf),
    };
  }

  /** The source text of a delivery's event, or null. */
  eventOf(sequence: number): string | null {
    const table = this.#days.of(sequence);
    if (table === null) return null;
    const query = `SELECT event FROM ${table} WHERE sequence = ?`;
    return this.#sql.exec<{ event: string }>(query, sequence).toArray()[0]?.event ?? null;
  }

  /** @returns one delivery as in a list, or null. */
  one(sequence: number): LoggedDelivery | null {
    const table = this.#days.of(sequence);
    if (table === null) return null;
    const [row] = this.#sql
      .exec<Row>(`SELECT ${columns} FROM ${table} WHERE sequence = ?`, sequence)
      .toArray();
    return row === undefined ? null : this.#deliveryOf(row);
  }

  /**
   * @returns at most `limit` deliveries that wait for a retry, oldest first. @param options.withTitles as in
   *   `LogQuery`.
   */
  failed(limit: number, { withTitles = false } = {}): LoggedDelivery[] {
    const read = withTitles ? `${columns}, event` : columns;
    const found: LoggedDelivery[] = [];
    for (const table of this.#days.from(1)) {
      if (found.length === limit) break;
      const rows = this.#sql.exec<Row & { event?: string }>(
        `SELECT ${read} FROM ${this.#days.by("failed", table)} WHERE ${indexed.failed}
         ORDER BY sequence LIMIT ?`,
        limit - found.length,
      );
      for (const { event, ...row } of rows) found.push({ ...this.#deliveryOf(row), ...titleOf(event) });
    }
    return found;
  }

  /**
   * @param lowWater all deliveries below this sequence number are finished. @returns when the oldest pending delivery
   *   was accepted, in ms; null when none is pending.
   */
  oldestPendingAt(lowWater: number): number | null {
    for (const table of this.#days.from(lowWater)) {
      const [row] = this.#sql
        .exec<{ accepted_at: number }>(
          `SELECT accepted_at FROM ${table} WHERE sequence >= ? AND status = ${deliveryStatus.pending}
           ORDER BY sequence LIMIT 1`,
          lowWater,
        )
        .toArray();
      if (row !== undefined) return row.accepted_at;
    }
    return null;
  }

  /** @returns how many deliveries wait for a retry, counted up to `failedCountMax`. Each costs a row read. */
  countFailed(): number {
    let count = 0;
    for (const table of this.#days.from(1)) {
      const query = `SELECT count(*) AS n FROM (
        SELECT 1 FROM ${this.#days.by("failed", table)} WHERE ${indexed.failed} LIMIT ?
      )`;
      count += this.#sql.exec<{ n: number }>(query, failedCountMax - count).one().n;
    }
    return count;
  }

  #deliveryOf(row: Row): LoggedDelivery {
    const { next_attempt_at: retryAt } = row;
    return {
      sequence: row.sequence,
      eventUuid: row.event_uuid,
      eventType: row.event_type,
      status: shownStatus(row),
      acceptedAt: row.accepted_at,
      nextAttemptAt: retryAt === null ? null : expectedRetryAt(retryAt, this.#health(), Date.now()),
      deliveredAt: row.delivered_at,
      lastAttemptAt: row.started_at,
      attempts: row.attempts,
      lastStatus: row.response_status,
      lastError: row.error,
      carriedBy: this.#digests.carrierOf(row.sequence),
    };
  }
}

function conditionsOf({ status, eventType, since, until }: LogQuery): {
  sql: string;
  bindings: (string | number)[];
} {
  let sql = status === undefined ? "" : `AND ${statusConditions[status]}`;
  const bindings: (string | number)[] = [];
  if (eventType !== undefined) {
    sql += " AND event_type = ?";
    bindings.push(eventType);
  }
  if (since !== undefined) {
    sql += " AND accepted_at >= ?";
    bindings.push(since);
  }
  if (until !== undefined) {
    sql += " AND accepted_at < ?";
    bindings.push(until);
  }
  return { sql, bindings };
}

function titleOf(event: string | undefined): Pick<LoggedDelivery, "title"> {
  return event === undefined ? {} : { title: sentenceOfText(event, { orchestUrl: null }).title };
}

function shownStatus({ status, attempts }: Row): ShownStatus {
  if (status === deliveryStatus.delivered) return "delivered";
  if (status === deliveryStatus.dead) return "dead";
  return attempts === 0 ? "pending" : "failed";
}

function attemptOf(row: AttemptRow): LoggedAttempt {
  return {
    number: row.number,
    startedAt: row.started_at,
    durationMs: row.duration_ms,
    status: row.response_status,
    error: row.error,
    ...parseHeadersColumn(row.response_headers),
    responseBody: row.response_body,
  };
}

/** @param json as written by `Outbox.record`. */
function headersOf(json: string): Record<string, string> {
  return JSON.parse(json) as Record<string, string>;
}
