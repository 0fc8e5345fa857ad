/**
 * The digests of a lane: which deliveries are sent in the message of another one, the head of the partition. The row is
 * written before the first attempt, so that each retry carries the same deliveries. There is one table per day of the
 * heads, which is dropped with the day.
 */
import type { Day, DayTables } from "./day-tables";
import type { PendingDeliveries } from "./pending-deliveries";

/** The most deliveries that one message carries, including its head. */
const deliveriesMax = 100;
/** The most characters of their events. */
const charactersMax = 1_000_000;

/**
 * A row. `members`: the carried deliveries, as a JSON array. `last`: the highest of `members`, or `head` when they are
 * no longer carried. `attempt`: the number of the latest attempt that carried them.
 */
type Row = { head: number; last: number; attempt: number; members: string };

/** The head of the partition, as it is before an attempt. */
type Head = { sequence: number; attempts: number };

/** The digests of one lane. */
export class Digests {
  readonly #sql: SqlStorage;
  readonly #days: DayTables;
  readonly #pending: PendingDeliveries;
  readonly #tables = new Set<string>();

  constructor(sql: SqlStorage, days: DayTables, pending: PendingDeliveries) {
    this.#sql = sql;
    this.#days = days;
    this.#pending = pending;
    const tables = String.raw`SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'digests\_%' ESCAPE '\'`;
    for (const { name } of sql.exec<{ name: string }>(tables)) this.#tables.add(name);
  }

  /**
   * Decides which deliveries the head's next attempt carries, and stores them. At the first attempt, these are the
   * untried deliveries that wait behind the head; at later attempts, those of them that are still pending. Reads a
   * bounded number of rows.
   * @param lastSequence of the lane.
   * @returns the sequence numbers of the carried deliveries, in order.
   */
  gather(head: Head, lastSequence: number): number[] {
    const kept = this.#of(head.sequence);
    if (kept === null && head.attempts > 0) return [];
    const members =
      kept === null
        ? this.#waitingBehind(head.sequence, lastSequence)
        : this.#pending.untriedAmong(membersOf(kept));
    // Also of a head alone: cut off under way, it would carry more the next time, under the same id.
    this.#keep(head, members);
    return members;
  }

  /**
   * Makes the head's message carry no other deliveries: the head was given up by a person, or the webhook no longer has
   * digests.
   */
  dissolve(head: number): void {
    const table = this.#tableOf(head);
    if (table === null) return;
    this.#sql.exec(`UPDATE ${table} SET last = head WHERE head = ?1 AND last != ?1`, head);
  }

  /** Records which deliveries were delivered or given up with a head, also if the digest was dissolved meanwhile. */
  settle(head: number, members: readonly number[]): void {
    const table = this.#tableOf(head);
    const last = members.at(-1);
    if (table === null || last === undefined) return;
    this.#sql.exec(`UPDATE ${table} SET last = ?2 WHERE head = ?1 AND last != ?2`, head, last);
  }

  /** @returns the head whose message carries or carried a delivery; null when the delivery has its own message. */
  carrierOf(sequence: number): number | null {
    if (this.#tables.size === 0) return null;
    for (const table of this.#days.downFrom(sequence).map(digestsOf)) {
      if (!this.#tables.has(table)) continue;
      const [row] = this.#sql
        .exec<Row>(`SELECT * FROM ${table} WHERE head <= ? ORDER BY head DESC LIMIT 1`, sequence)
        .toArray();
      if (row === undefined) continue;
      const isCarried = row.head < sequence && sequence <= row.last && membersOf(row).includes(sequence);
      return isCarried ? row.head : null;
    }
    return null;
  }

  /** What an attempt of a delivery carried beside it, in order. */
  carriedBy({ sequence, attempts }: Head): number[] {
    const row = this.#of(sequence);
    return row === null || row.attempt !== attempts ? [] : membersOf(row);
  }

  /** Drops the digests of a day. Writes no rows. */
  forgetDay({ day }: Day): void {
    const table = `digests_${day}`;
    if (this.#tables.delete(table)) this.#sql.exec(`DROP TABLE ${table}`);
  }

  #waitingBehind(head: number, lastSequence: number): number[] {
    const members: number[] = [];
    let left = charactersMax - this.#pending.charactersOf(head);
    for (const { sequence, attempts, characters } of this.#pending.sizesBehind(head, {
      lastSequence,
      limit: deliveriesMax - 1,
    })) {
      left -= characters;
      // A delivery that was tried under another ordering has its own back-off, and the ones behind it must wait for it.
      if (attempts > 0 || left < 0) break;
      members.push(sequence);
    }
    return members;
  }

  #keep({ sequence, attempts }: Head, members: readonly number[]): void {
    const table = digestsOf(this.#days.of(sequence) ?? "");
    if (!this.#tables.has(table)) {
      this.#sql.exec(`CREATE TABLE IF NOT EXISTS ${table} (
        head INTEGER PRIMARY KEY, last INTEGER NOT NULL, attempt INTEGER NOT NULL, members TEXT NOT NULL
      )`);
      this.#tables.add(table);
    }
    this.#sql.exec(
      `INSERT INTO ${table} VALUES (?, ?, ?, ?) ON CONFLICT (head) DO UPDATE
       SET last = excluded.last, attempt = excluded.attempt, members = excluded.members
       WHERE (last, attempt, members) IS NOT (excluded.last, excluded.attempt, excluded.members)`,
      sequence,
      members.at(-1) ?? sequence,
      attempts + 1,
      JSON.stringify(members),
    );
  }

  #of(head: number): Row | null {
    const table = this.#tableOf(head);
    if (table === null) return null;
    return this.#sql.exec<Row>(`SELECT * FROM ${table} WHERE head = ?`, head).toArray()[0] ?? null;
  }

  /** @returns the table that may have a head's row; null when there is none. */
  #tableOf(head: number): string | null {
    const table = digestsOf(this.#days.of(head) ?? "");
    return this.#tables.has(table) ? table : null;
  }
}

/** @param table of a day's deliveries. */
function digestsOf(table: string): string {
  return table.replace("deliveries_", "digests_");
}

function membersOf({ members }: Row): number[] {
  return JSON.parse(members) as number[];
}
