/** What a lane knows of itself: one row in its own storage. */
import type { LaneConfig } from "./handover";

export type LaneRecord = {
  config: LaneConfig | null;
  /** Every delivery below this sequence is finished. Written now and then: looking for work starts here. */
  lowWater: number;
  /** Set when the webhook was deleted: nothing else is left then. */
  closedAt: number | null;
};

type Row = { config: string | null; low_water: number; closed_at: number | null };

export class LaneRecordStore {
  readonly #sql: SqlStorage;
  #record: LaneRecord;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS lane (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      config TEXT,
      low_water INTEGER NOT NULL,
      closed_at INTEGER
    )`);
    const [row] = sql.exec<Row>("SELECT config, low_water, closed_at FROM lane").toArray();
    this.#record = {
      config: row?.config ? (JSON.parse(row.config) as LaneConfig) : null,
      lowWater: row?.low_water ?? 1,
      closedAt: row?.closed_at ?? null,
    };
  }

  get(): Readonly<LaneRecord> {
    return this.#record;
  }

  /** One row written. */
  set(change: Partial<LaneRecord>): void {
    const next = { ...this.#record, ...change };
    this.#sql.exec(
      "INSERT OR REPLACE INTO lane (id, config, low_water, closed_at) VALUES (1, ?, ?, ?)",
      next.config === null ? null : JSON.stringify(next.config),
      next.lowWater,
      next.closedAt,
    );
    this.#record = next;
  }
}
