/**
 * Checks a lane's counters against its rows, in bounded steps while deliveries continue. Only pending deliveries and
 * dead letters have to be counted: all others are finished, and the finished ones that are neither dead letters nor
 * gone are delivered. Days without pending deliveries are not scanned, and dead letters are found by their index.
 */
import { type DayTables, indexed } from "./day-tables";
import { deliveryStatus, type DeliveryStatus, isWaiting } from "./delivery-state";

/** Rows per step. Other calls run between two steps. */
const rowsPerStep = 5000;

/** A check under way. `note` keeps it right while deliveries change. */
export class CounterCheck {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;
  readonly #from: number;
  #waiting = 0;
  #dead = 0;
  /** The sequence numbers up to which rows were counted. Later changes below them are counted by `note`. */
  #waitingTo: number;
  #deadTo = 0;

  /** @param from every delivery before this sequence number is finished. */
  constructor(sql: SqlStorage, days: DayTables, from: number) {
    this.#sql = sql;
    this.#days = days;
    this.#from = from;
    this.#waitingTo = from - 1;
  }

  /** Does one step. @returns the counts at the end; null when more steps are needed. */
  step(lastSequence: number): { waiting: number; dead: number } | null {
    if (this.#deadTo < Number.POSITIVE_INFINITY) {
      this.#countDead();
      return null;
    }
    this.#countWaiting(lastSequence);
    if (this.#waitingTo < lastSequence) return null;
    return { waiting: this.#waiting, dead: this.#dead };
  }

  /** Must be called for each change of a delivery's status while the check is under way. */
  note(sequence: number, before: DeliveryStatus, after: DeliveryStatus): void {
    const { dead } = deliveryStatus;
    if (sequence <= this.#deadTo) this.#dead += Number(after === dead) - Number(before === dead);
    if (sequence >= this.#from && sequence <= this.#waitingTo) {
      this.#waiting += Number(isWaiting(after)) - Number(isWaiting(before));
    }
  }

  #countDead(): void {
    const [table, next] = this.#tablesAfter(this.#deadTo);
    if (table === undefined) {
      this.#deadTo = Number.POSITIVE_INFINITY;
      return;
    }
    const { rows, last } = this.#sql
      .exec<{ rows: number; last: number | null }>(
        `SELECT count(*) AS rows, max(sequence) AS last FROM (
           SELECT sequence FROM ${this.#days.by("dead", table.name)}
           WHERE ${indexed.dead} AND sequence > ? ORDER BY sequence LIMIT ${rowsPerStep}
         )`,
        this.#deadTo,
      )
      .one();
    this.#dead += rows;
    if (rows === rowsPerStep && last !== null) this.#deadTo = last;
    else this.#deadTo = next === undefined ? Number.POSITIVE_INFINITY : next.firstSequence - 1;
  }

  #countWaiting(lastSequence: number): void {
    const [table, next] = this.#tablesAfter(this.#waitingTo);
    if (table === undefined) {
      this.#waitingTo = lastSequence;
      return;
    }
    const { rows, waiting, last } = this.#sql
      .exec<{ rows: number; waiting: number; last: number | null }>(
        `SELECT count(*) AS rows, max(sequence) AS last,
           count(*) FILTER (WHERE status IN (${deliveryStatus.pending}, ${deliveryStatus.replaying})) AS waiting
         FROM (SELECT sequence, status FROM ${table.name} WHERE sequence > ? ORDER BY sequence LIMIT ${rowsPerStep})`,
        this.#waitingTo,
      )
      .one();
    this.#waiting += waiting;
    if (rows === rowsPerStep && last !== null) this.#waitingTo = last;
    else this.#waitingTo = next === undefined ? lastSequence : next.firstSequence - 1;
  }

  /** @returns the table with the deliveries after a sequence number, and the table after it. */
  #tablesAfter(sequence: number): { name: string; firstSequence: number }[] {
    const names = this.#days.from(sequence + 1);
    const days = this.#days.all.slice(this.#days.all.length - names.length);
    return days.map(({ firstSequence }, place) => ({ name: names[place] ?? "", firstSequence })).slice(0, 2);
  }
}
