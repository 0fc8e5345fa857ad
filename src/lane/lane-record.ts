/** The record of a lane: its state, in one row in its storage. */
import type { GatewayPause } from "./gateway-pause";
import type { LaneConfig } from "./handover";
import { healthy, type ReceiverHealth } from "./receiver-health";

/**
 * The state of a lane. `paused` (by a person): accepts events but sends nothing. `disabled` (by the lane): accepts
 * nothing either.
 */
export type LaneState = "active" | "paused" | "disabled";

/** The record. */
export type LaneRecord = {
  config: LaneConfig | null;
  /** The version in a hand-over, if the lane's configuration is older: D1 is read before the next attempt. */
  wantedVersion: number | null;
  /** When the webhook was deleted, in ms. All other data is then gone. */
  closedAt: number | null;
  state: LaneState;
  disabledReason: string | null;
  /** Whether it has deliveries, as reported to D1. */
  isInUse: boolean;
  /** Whether D1 has the current state and number of dead letters. */
  copiedToD1: boolean;
  /** Since when the lane is paused or disabled, in ms. */
  inactiveSince: number | null;
  /** How long it was paused or disabled in all before, in ms. The age of deliveries does not include that time. */
  inactiveMs: number;
  receiver: ReceiverHealth;
  /** The pause after failures of the gateway; null after any other attempt. */
  gatewayPause: GatewayPause | null;
  /** Since when all attempts have failed, on the lane's active clock (`activeClock`). */
  failingSince: number | null;
  /**
   * Whether trouble (a dead letter or disabling) was announced since the last recovery. No more is announced until the
   * next recovery.
   */
  troubleAnnounced: boolean;
  /** When trouble was last announced, in ms; at most once an hour. */
  troubleAt: number;
  /** When an attempt last failed, in ms. */
  lastFailureAt: number;
  /** How many attempts have succeeded since the last failure. */
  successesSince: number;
  /** Every delivery below this sequence number is finished. */
  lowWater: number;
  /**
   * Every pending delivery up to this sequence number has failed, or is behind a failed one of its partition. A lane
   * that wakes finds the failed ones by their index, and scans rows only after this sequence number.
   */
  frontier: number;
  /**
   * First-attempt successes between these sequence numbers may be counted in memory only. They are counted again at a
   * wake-up.
   */
  countFrom: number;
  countTo: number;
  /** When the latest attempt before a checkpoint started, in ms. */
  lastStartedAt: number;
  /** The version of the tables' schema: see `lane-upgrade.ts`. */
  schemaVersion: number;
  /** The last sequence number that was used when a table was last dropped. */
  sequenceBase: number;
  /** Events first accepted before this time (ms) may have had deliveries that were removed. */
  prunedThrough: number;
  /** Dead letters accepted before this time (ms) may have been removed. */
  deadPrunedThrough: number;
  /**
   * Finished deliveries that are neither delivered nor dead letters: dead letters that were pruned, and deliveries that
   * were removed because their replay was stopped. `counters.finished` is the sum of the three.
   */
  gone: number;
  counters: Counters;
};

/** The counters. `finished`: deliveries that are no longer pending. `dead`: dead letters that are kept. */
export type Counters = { attempts: number; finished: number; delivered: number; dead: number };

/** The most rows that a lane scans at a wake-up, to count attempts after the checkpoint. */
export const countedAgainMax = 1000;
/** The schema version of a new lane's tables. */
export const schemaVersion = 3;

const initial: LaneRecord = {
  config: null,
  wantedVersion: null,
  closedAt: null,
  state: "active",
  disabledReason: null,
  isInUse: true,
  copiedToD1: true,
  inactiveSince: null,
  inactiveMs: 0,
  receiver: healthy,
  gatewayPause: null,
  failingSince: null,
  troubleAnnounced: false,
  troubleAt: 0,
  lastFailureAt: 0,
  successesSince: 0,
  lowWater: 1,
  frontier: 0,
  countFrom: 1,
  countTo: countedAgainMax,
  lastStartedAt: 0,
  schemaVersion,
  sequenceBase: 0,
  prunedThrough: 0,
  deadPrunedThrough: 0,
  gone: 0,
  counters: { attempts: 0, finished: 0, delivered: 0, dead: 0 },
};

/** Reads and writes the record. It is JSON in one column, because it is always read and written as a whole. */
export class LaneRecordStore {
  readonly #sql: SqlStorage;
  #record: LaneRecord;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS lane (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL)");
    const [row] = sql.exec<{ record: string }>("SELECT record FROM lane").toArray();
    this.#record = row === undefined ? initial : recordOf(JSON.parse(row.record) as StoredRecord);
  }

  get(): Readonly<LaneRecord> {
    return this.#record;
  }

  /** Changes the record. Writes one row. */
  set(change: Partial<LaneRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#sql.exec(
      "INSERT INTO lane VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record",
      JSON.stringify(this.#record),
    );
  }
}

/**
 * A stored record, also of earlier versions. Version 1 had no frontier but `triedUpTo`, the highest sequence number
 * that had been tried. Up to version 2, the counters were called `tally`.
 */
type StoredRecord = Partial<LaneRecord> & { lowWater: number; triedUpTo?: number; tally?: Counters };

function recordOf({ triedUpTo, tally, ...stored }: StoredRecord): LaneRecord {
  const counters = stored.counters ?? tally ?? initial.counters;
  if (stored.schemaVersion !== undefined || triedUpTo === undefined) {
    return { ...initial, ...stored, counters };
  }
  const { lowWater } = stored;
  return {
    ...initial,
    counters,
    frontier: lowWater - 1,
    countFrom: lowWater,
    countTo: triedUpTo,
    ...stored,
    schemaVersion: 1,
  };
}

/** Whether a first-attempt success of this delivery would be counted again at a wake-up. */
export function isCountedAgain({ countFrom, countTo }: LaneRecord, sequence: number): boolean {
  return sequence >= countFrom && sequence <= countTo;
}

/** @returns the lane's active clock, in ms: it does not advance while the lane is paused or disabled. */
export function activeClock(record: LaneRecord, now: number): number {
  return (record.inactiveSince ?? now) - record.inactiveMs;
}
