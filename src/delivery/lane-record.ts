/** What a lane knows of itself: one row in its own storage. */
import type { LaneConfig } from "./handover";
import { healthy, type ReceiverHealth } from "./receiver-health";

/** `paused` by a person: takes events in and sends nothing. `disabled` by the lane itself: takes nothing in. */
export type LaneState = "active" | "paused" | "disabled";

export type LaneRecord = {
  config: LaneConfig | null;
  /** Set when the webhook was deleted: nothing else is left then. */
  closedAt: number | null;
  state: LaneState;
  disabledReason: string | null;
  /** Whether D1 has the state and the number of dead letters. */
  copiedToD1: boolean;
  /** Since when the lane is paused or disabled, in ms. */
  inactiveSince: number | null;
  /** How long it was paused or disabled before, in ms: ages do not count that time. */
  inactiveMs: number;
  receiver: ReceiverHealth;
  /** Since when there were only failures, on the lane's active clock (`activeClock`). */
  failingSince: number | null;
  /** Whether a dead letter or the disabling was announced since the last success: a recovery is news then. */
  troubleAnnounced: boolean;
  /** Every delivery below this sequence is finished. */
  lowWater: number;
  /** No delivery above this sequence was ever tried. */
  triedUpTo: number;
  /** The last sequence given when the last table was dropped. */
  sequenceBase: number;
  /** Events first accepted before this time (ms) may have been here and are no longer known. */
  prunedThrough: number;
  tally: Tally;
};

/** Counts up to the last checkpoint. `finished` deliveries wait no more; `dead` are the dead letters that are kept. */
export type Tally = { attempts: number; finished: number; delivered: number; dead: number };

const initial: LaneRecord = {
  config: null,
  closedAt: null,
  state: "active",
  disabledReason: null,
  copiedToD1: true,
  inactiveSince: null,
  inactiveMs: 0,
  receiver: healthy,
  failingSince: null,
  troubleAnnounced: false,
  lowWater: 1,
  triedUpTo: 10_000,
  sequenceBase: 0,
  prunedThrough: 0,
  tally: { attempts: 0, finished: 0, delivered: 0, dead: 0 },
};

/** The row: JSON in one column, since it is read and written as a whole. */
export class LaneRecordStore {
  readonly #sql: SqlStorage;
  #record: LaneRecord;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS lane (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL)");
    const [row] = sql.exec<{ record: string }>("SELECT record FROM lane").toArray();
    this.#record = row === undefined ? initial : { ...initial, ...(JSON.parse(row.record) as LaneRecord) };
  }

  get(): Readonly<LaneRecord> {
    return this.#record;
  }

  /** One row written. */
  set(change: Partial<LaneRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#sql.exec(
      "INSERT INTO lane VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record",
      JSON.stringify(this.#record),
    );
  }
}

/** Time in which the lane was active, in ms, up to `now`: stands still while it is paused or disabled. */
export function activeClock(record: LaneRecord, now: number): number {
  return (record.inactiveSince ?? now) - record.inactiveMs;
}
