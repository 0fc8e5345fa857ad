/** What a shard knows of itself: one row in its own storage. */
import type { UuidCursor } from "./uuid-transfer";

/** A shard to be, while it copies the uuids of its events: `cursors` says how far, for each of the shards there are. */
export type Joining = { from: number; to: number; cursors: UuidCursor[] };

export type ShardRecord = {
  /** How many shards there are, as far as this one knows; null while it is none of them. It never falls. */
  shards: number | null;
  /** The growth by which the shard is to become one, until it is. */
  joining: Joining | null;
  /** How many shards there were before it was one of them: they know the texts of what it inherited. Null: it is one of the first. */
  joinedAfter: number | null;
  /** What it inherited from them (`InheritedUuids`): how many uuids, some of them twice, and when (ms) the newest was accepted. */
  inherited: { count: number; newestAt: number };
  /** Inherited uuids that were accepted until then (ms) are past their time. */
  inheritedForgottenThrough: number;
  /** What is to be done about the events in D1 of the time before there were shards (`OldUuids`). */
  oldArchive: "unknown" | "reading" | "read" | "none";
  /** Which row of it was read last. */
  oldReadTo: number;
  /** From when on (ms) nobody writes to it any more; null until it was read to its end. */
  oldEndsAt: number | null;
  /** The routing version that its events count as accepted under. */
  oldRoutingVersion: number;
  /** Events up to this id have their uuids in `UuidRuns`. */
  sealedThrough: number;
  /** Events up to this id are past their time: their uuids are not known any more. */
  forgottenThrough: number;
  /** The shard knows the uuids of all events that it accepted from this time (ms) on. */
  knownSince: number;
  /** The shard has the texts of all events that it accepted from this time (ms) on. */
  completeSince: number;
};

const initial: ShardRecord = {
  shards: null,
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

/** The row: JSON in one column, since it is read and written as a whole. */
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

  get(): Readonly<ShardRecord> {
    return this.#record;
  }

  /** One row written. */
  set(change: Partial<ShardRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#sql.exec(
      "INSERT INTO shard VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record",
      JSON.stringify(this.#record),
    );
  }
}
