/**
 * The stored back-offs of partitions whose head was given up. They apply to the next head, also after the object was
 * evicted.
 */
import type { Backoff } from "./partitions";
import { retryDelayMs } from "./retry-policy";

type Row = { line: string; not_before: number; failures: number };

/** How long a back-off is kept after its end. */
const keptMs = 86_400_000;

/** The back-offs of a lane. */
export class Backoffs {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS carried (
      line TEXT PRIMARY KEY, not_before INTEGER NOT NULL, failures INTEGER NOT NULL
    ) WITHOUT ROWID`);
  }

  /**
   * Removes expired back-offs. @returns the others by partition. If the clock was set back, none is longer than the
   * wait after its failures; the receiver's health has what `Retry-After` added. @param now in ms.
   */
  read(now: number): Map<string, Backoff> {
    this.#sql.exec("DELETE FROM carried WHERE not_before < ?", now - keptMs);
    const rows = this.#sql.exec<Row>("SELECT * FROM carried");
    const backoffOf = ({ not_before: notBefore, failures }: Row): Backoff => ({
      notBefore: Math.min(notBefore, now + retryDelayMs(failures, 1)),
      failures,
    });
    return new Map(rows.toArray().map((row) => [row.line, backoffOf(row)]));
  }

  /** Stores the back-off of a partition whose head was given up. */
  keep(partition: string, { notBefore, failures }: Backoff): void {
    this.#sql.exec("INSERT OR REPLACE INTO carried VALUES (?, ?, ?)", partition, notBefore, failures);
  }

  /** Removes a partition's back-off, after one of its deliveries was delivered. */
  drop(partition: string): void {
    this.#sql.exec("DELETE FROM carried WHERE line = ?", partition);
  }

  /** Removes all back-offs. */
  clear(): void {
    this.#sql.exec("DELETE FROM carried");
  }
}
