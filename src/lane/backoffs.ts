/** The back-offs of partitions whose head was given up, on disk: they hold for the next head, and outlive the object. */
import type { Backoff } from "./partitions";

/** A back-off that ended this long ago says nothing any more. */
const keptMs = 86_400_000;

export class Backoffs {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS carried (
      line TEXT PRIMARY KEY, not_before INTEGER NOT NULL, failures INTEGER NOT NULL
    ) WITHOUT ROWID`);
  }

  /** All that still say something, by partition. Forgets the others. */
  read(now: number): Map<string, Backoff> {
    this.#sql.exec("DELETE FROM carried WHERE not_before < ?", now - keptMs);
    const rows = this.#sql.exec<{ line: string; not_before: number; failures: number }>(
      "SELECT * FROM carried",
    );
    return new Map(
      rows.toArray().map((row) => [row.line, { notBefore: row.not_before, failures: row.failures }]),
    );
  }

  /** Keeps the back-off of a partition whose head was given up. */
  keep(partition: string, { notBefore, failures }: Backoff): void {
    this.#sql.exec("INSERT OR REPLACE INTO carried VALUES (?, ?, ?)", partition, notBefore, failures);
  }

  /** Something of the partition was delivered. */
  drop(partition: string): void {
    this.#sql.exec("DELETE FROM carried WHERE line = ?", partition);
  }

  /** Forgets all of them. */
  clear(): void {
    this.#sql.exec("DELETE FROM carried");
  }
}
