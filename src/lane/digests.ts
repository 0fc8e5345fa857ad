/**
 * The digests of a lane: which deliveries go in the message of another one, the head of the line. A row is written before the
 * first attempt, so that each retry carries the same. A table for each day of heads, which is dropped with the day.
 */
import type { Day, DayTables } from "./day-tables";
import type { PendingDeliveries } from "./pending-deliveries";

/** The most that one message carries, its head included. */
const deliveriesMax = 100;
const charactersMax = 1_000_000;

/** `last`: the highest of `members`, or `head` when they do not go with it any more. `attempt`: the latest that carried them. */
type Row = { head: number; last: number; attempt: number; members: string };

/** The head of the line, as it is before an attempt. */
type Head = { sequence: number; attempts: number };

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
   * Decides what the head's next attempt carries: what waits behind it and was never tried, at its first attempt; later
   * what of that still waits. Writes it down. Reads a bounded number of rows.
   * @param lastSequence of the lane.
   * @returns the others' sequences, in order.
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

  /** The head goes alone from now on: it was given up by a person, or the webhook has no digests any more. */
  dissolve(head: number): void {
    const table = this.#tableOf(head);
    if (table === null) return;
    this.#sql.exec(`UPDATE ${table} SET last = head WHERE head = ?1 AND last != ?1`, head);
  }

  /** What went with a head was delivered or given up with it, also where the digest was dissolved meanwhile. */
  settle(head: number, members: readonly number[]): void {
    const table = this.#tableOf(head);
    const last = members.at(-1);
    if (table === null || last === undefined) return;
    this.#sql.exec(`UPDATE ${table} SET last = ?2 WHERE head = ?1 AND last != ?2`, head, last);
  }

  /** The head whose message carries a delivery, or carried it; null when it goes alone. */
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

  /** Forgets the digests of a day that is dropped. Writes no rows. */
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
      // One that was tried under another ordering goes by its own back-off, and what is behind it after it.
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

  /** The table that may have a head's row; null when there is none. */
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
