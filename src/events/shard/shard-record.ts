/** The state of an event shard: one row in its storage. */
import type { UuidCursor } from "./uuid-transfer";

/** The growth by which a new shard joins. `cursors`: how far it has copied the uuids of each of the earlier shards. */
export type Joining = { from: number; to: number; cursors: UuidCursor[] };

/** A shard's state, stored as JSON. */
export type ShardRecord = {
  /** The number of shards as this one knows it; null before it has joined. Never decreases. */
  shards: number | null;
  /**
   * The last rise of `shards`: when it was stored (ms), and the number by which the space for texts is divided until the
   * events of before are past their time. Null: it has not risen.
   */
  grown: { at: number; textShards: number } | null;
  /** The growth by which the shard joins; null before and after. */
  joining: Joining | null;
  /** The number of shards before it joined: they have the texts of its inherited events. Null: it is one of the first shards. */
  joinedAfter: number | null;
  /** Its `InheritedUuids`: how many, with repetitions, and when the newest event was accepted (ms). */
  inherited: { count: number; newestAt: number };
  /** Inherited uuids of events that were accepted up to this time (ms) are forgotten. */
  inheritedForgottenThrough: number;
  /** Whether the old archive in D1, from before event shards, was read (`OldUuids`). */
  oldArchive: "unknown" | "reading" | "read" | "none";
  /** The id of its last row that was read. */
  oldReadTo: number;
  /** The time (ms) from which nothing is written to it any more; null until it was read to the end. */
  oldEndsAt: number | null;
  /** The routing version that applies to its events. */
  oldRoutingVersion: number;
  /** The uuids of events up to this id are in `UuidRuns`. */
  sealedThrough: number;
  /** The uuids of events up to this id are forgotten. */
  forgottenThrough: number;
  /** The shard knows the uuids of all events that it accepted from this time (ms) on. */
  knownSince: number;
  /** The shard has the texts of all events that it accepted from this time (ms) on. */
  completeSince: number;
};

const initial: ShardRecord = {
  shards: null,
  grown: null,
  joining: null,
  joinedAfter: null,
  inherited: { count: 0, newestAt: 0 },
  inheritedForgottenThrough: 0,
  oldArchive: "unknown",
  oldReadTo: 0,
  oldEndsAt: null,
  oldRoutingVersion: 0,
  sealedThrough: 0,
  forgottenThrough: 0,
  knownSince: 0,
  completeSince: 0,
};

/** Stores the record as JSON in one column, because it is always read and written as a whole. */
export class ShardRecordStore {
  readonly #sql: SqlStorage;
  #record: ShardRecord;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS shard (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL)",
    );
    const [row] = sql.exec<{ record: string }>("SELECT record FROM shard").toArray();
    const stored = row === undefined ? {} : (JSON.parse(row.record) as Partial<ShardRecord>);
    this.#record = { ...initial, ...stored };
  }

  /** From memory. */
  get(): Readonly<ShardRecord> {
    return this.#record;
  }

  /** Writes one row. */
  set(change: Partial<ShardRecord>): void {
    const record = { ...this.#record, ...change };
    this.#sql.exec(
      "INSERT INTO shard VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record",
      JSON.stringify(record),
    );
    // Not before it is written: outside of a transaction, a failed write must leave the record as it is on disk.
    this.#record = record;
  }
}
