/** Finds and counts the deliveries that a replay sends. */
import { type DayTables, indexed } from "./day-tables";
import { deliveryStatus } from "./delivery-state";
import type { ReplayKind } from "./replay-table";

/** A number of deliveries. It is a lower bound if not `isExact`. */
export type QueuedCount = { queued: number; isExact: boolean };

/** SQL: which deliveries of a range are sent. It is evaluated when the delivery is next. */
const conditions: Record<ReplayKind, string> = {
  one: `status IN (${deliveryStatus.delivered}, ${deliveryStatus.dead})`,
  all: `status IN (${deliveryStatus.delivered}, ${deliveryStatus.dead})`,
  dead: indexed.dead,
  picked: indexed.dead,
  missing: `status = ${deliveryStatus.replaying}`,
};

/** The most rows that are scanned to count a replay. */
const countedMax = 50_000;

/** The selection in one lane. Only reads. */
export class ReplaySelection {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;

  constructor(sql: SqlStorage, days: DayTables) {
    this.#sql = sql;
    this.#days = days;
  }

  /**
   * @returns the first delivery of a range to send, or null.
   * @param picked only these sequence numbers, as a JSON array; null: all.
   */
  firstFrom(kind: ReplayKind, from: number, to: number, picked: string | null = null): number | null {
    const among = picked === null ? "" : "AND sequence IN (SELECT value FROM json_each(?))";
    for (const table of this.#days.from(from)) {
      const [row] = this.#sql
        .exec<{ sequence: number }>(
          `SELECT sequence FROM ${this.#source(kind, table)}
           WHERE sequence BETWEEN ? AND ? AND ${conditions[kind]} ${among} ORDER BY sequence LIMIT 1`,
          from,
          to,
          ...(picked === null ? [] : [picked]),
        )
        .toArray();
      if (row !== undefined) return row.sequence;
    }
    return null;
  }

  /** @returns how many deliveries of a range would be sent now. Scans a bounded number of rows. */
  count(kind: "dead" | "all", { from, to }: { from: number; to: number }): QueuedCount {
    let [queued, left] = [0, countedMax];
    for (const table of this.#days.from(from)) {
      // Dead letters are found by their index, without reading their rows. Other kinds need a scan.
      const [status, isSought] = kind === "dead" ? [deliveryStatus.dead, conditions.dead] : ["status", "1"];
      const { rows, matching } = this.#sql
        .exec<{ rows: number; matching: number }>(
          `SELECT count(*) AS rows, count(*) FILTER (WHERE ${conditions[kind]}) AS matching FROM (
             SELECT ${status} AS status FROM ${this.#source(kind, table)}
             WHERE sequence BETWEEN ? AND ? AND ${isSought} ORDER BY sequence LIMIT ?
           )`,
          from,
          to,
          left + 1,
        )
        .one();
      if (rows > left) return { queued: Math.min(queued + matching, countedMax), isExact: false };
      queued += matching;
      left -= rows;
    }
    return { queued, isExact: true };
  }

  #source(kind: ReplayKind, table: string): string {
    return kind === "dead" || kind === "picked" ? this.#days.by("dead", table) : table;
  }
}
