/** Which deliveries a replay sends: found and counted on disk. */
import { type DayTables, indexed } from "./day-tables";
import { deliveryStatus } from "./delivery-state";
import type { ReplayKind } from "./replay-table";

/** How many deliveries there are. A lower bound where it is not exact. */
export type QueuedCount = { queued: number; isExact: boolean };

/** What of a range is sent, decided at the moment when its turn comes. */
const conditions: Record<ReplayKind, string> = {
  one: `status IN (${deliveryStatus.delivered}, ${deliveryStatus.dead})`,
  all: `status IN (${deliveryStatus.delivered}, ${deliveryStatus.dead})`,
  dead: indexed.dead,
  picked: indexed.dead,
  missing: `status = ${deliveryStatus.replaying}`,
};

/** How many rows are looked at to count a replay: to look through so much takes a lane a moment. */
const countedMax = 50_000;

export class ReplaySelection {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;

  constructor(sql: SqlStorage, days: DayTables) {
    this.#sql = sql;
    this.#days = days;
  }

  /**
   * The first delivery of a range that is to be sent, or null.
   * @param picked the only sequences that count, as a JSON list; null for all.
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

  /** How many deliveries of a range would be sent now, from a bounded number of rows. */
  count(kind: "dead" | "all", { from, to }: { from: number; to: number }): QueuedCount {
    let [queued, left] = [0, countedMax];
    for (const table of this.#days.from(from)) {
      // What is dead is found by its index, without its rows; everything else is looked through.
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
