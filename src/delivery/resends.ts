/** The lane's second line: finished deliveries that are to be sent again, in the order in which that was asked for. */

/** One delivery to be sent again. `attempts` and `createdAt` are of this resending, not of the delivery. */
export type Resend = {
  position: number;
  sequence: number;
  attempts: number;
  nextAttemptAt: number;
  createdAt: number;
};

type Row = {
  position: number;
  sequence: number;
  attempts: number;
  next_attempt_at: number;
  created_at: number;
};

export class Resends {
  readonly #sql: SqlStorage;
  /** Undefined: to be read. */
  #head: Resend | null | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS resends (
      position INTEGER PRIMARY KEY,
      sequence INTEGER NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0,
      next_attempt_at INTEGER NOT NULL,
      created_at INTEGER NOT NULL
    )`);
  }

  /** Appends a delivery; one that waits already is made due. */
  add(sequence: number, now: number): void {
    this.#head = undefined;
    const update = "UPDATE resends SET next_attempt_at = ? WHERE sequence = ?";
    if (this.#sql.exec(update, now, sequence).rowsWritten > 0) return;
    this.#sql.exec(
      "INSERT INTO resends (sequence, next_attempt_at, created_at) VALUES (?, ?, ?)",
      sequence,
      now,
      now,
    );
  }

  /** The head of the line: what stands behind it waits for it. */
  head(): Resend | null {
    if (this.#head === undefined) this.#head = this.#readHead();
    return this.#head;
  }

  /** The head failed and is tried again at a time in ms. */
  delay(position: number, nextAttemptAt: number): void {
    this.#head = undefined;
    this.#sql.exec(
      "UPDATE resends SET attempts = attempts + 1, next_attempt_at = ? WHERE position = ?",
      nextAttemptAt,
      position,
    );
  }

  remove(position: number): void {
    this.#head = undefined;
    this.#sql.exec("DELETE FROM resends WHERE position = ?", position);
  }

  /** Whether a delivery between these sequences waits. */
  any(from: number, to: number): boolean {
    const query = "SELECT 1 FROM resends WHERE sequence BETWEEN ? AND ? LIMIT 1";
    return this.#sql.exec(query, from, to).toArray().length > 0;
  }

  #readHead(): Resend | null {
    const [row] = this.#sql.exec<Row>("SELECT * FROM resends ORDER BY position LIMIT 1").toArray();
    if (row === undefined) return null;
    return {
      position: row.position,
      sequence: row.sequence,
      attempts: row.attempts,
      nextAttemptAt: row.next_attempt_at,
      createdAt: row.created_at,
    };
  }
}
