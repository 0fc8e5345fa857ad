/** What a lane knows of itself: one row in its own storage. */
import type { LaneConfig } from "./handover";
import { healthy, type ReceiverHealth } from "./receiver-health";

/** `paused` by a person: accepts events and sends nothing. `disabled` by the lane itself: accepts nothing. */
export type LaneState = "active" | "paused" | "disabled";

export type LaneRecord = {
  config: LaneConfig | null;
  /** The version that a hand-over spoke of, where the lane's configuration is older: D1 is read before anything is sent. */
  wantedVersion: number | null;
  /** Set when the webhook was deleted: nothing else is left then. */
  closedAt: number | null;
  state: LaneState;
  disabledReason: string | null;
  /** Whether it holds deliveries, as D1 is told. */
  isInUse: boolean;
  /** Whether D1 has the state and the number of dead letters. */
  copiedToD1: boolean;
  /** Since when the lane is paused or disabled, in ms. */
  inactiveSince: number | null;
  /** How long it was paused or disabled before, in ms: ages do not count that time. */
  inactiveMs: number;
  receiver: ReceiverHealth;
  /** Since when there were only failures, on the lane's active clock (`activeClock`). */
  failingSince: number | null;
  /** Whether a dead letter or the disabling was announced since the last recovery: no other one is announced before that. */
  troubleAnnounced: boolean;
  /** When trouble was last announced, in ms: once an hour at most. */
  troubleAt: number;
  /** When an attempt last failed, in ms, and how many succeeded since: a recovery takes a quiet time. */
  lastFailureAt: number;
  successesSince: number;
  /** Every delivery below this sequence is finished. */
  lowWater: number;
  /**
   * What waits up to this sequence has failed, or stands behind something of its partition that has: a lane that wakes finds
   * it by the index of what failed, and looks through the rows only behind here.
   */
  frontier: number;
  /** First-time successes between these sequences may be counted in memory only: they are counted again at a wake-up. */
  countFrom: number;
  countTo: number;
  /** When the latest attempt began that a checkpoint knows of, in ms. */
  lastStartedAt: number;
  /** Which shape the tables have: see `lane-upgrade.ts`. */
  schemaVersion: number;
  /** The last sequence given when the last table was dropped. */
  sequenceBase: number;
  /** Events first accepted before this time (ms) may have been here and are no longer known. */
  prunedThrough: number;
  /** Dead letters accepted before this time (ms) may be gone. */
  deadPrunedThrough: number;
  /**
   * Finished deliveries that are neither delivered nor dead letters: dead letters that were pruned, and deliveries that
   * were removed because their replay was stopped. `counters.finished` is the sum of the three.
   */
  gone: number;
  counters: Counters;
};

/** Counts up to the last checkpoint. `finished` deliveries are no longer pending; `dead` are the dead letters that are kept. */
export type Counters = { attempts: number; finished: number; delivered: number; dead: number };

/** How many rows a lane that wakes looks at to count what a checkpoint lacks. */
export const countedAgainMax = 1000;
/** The shape that a new lane's tables have. */
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

/** The row: JSON in one column, since it is read and written as a whole. */
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

  /** One row written. */
  set(change: Partial<LaneRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#sql.exec(
      "INSERT INTO lane VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record",
      JSON.stringify(this.#record),
    );
  }
}

/**
 * Lanes of schema version 1 had no frontier, and said up to which sequence they had tried anything. Up to version 2 the
 * counters were called `tally`.
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

/** Whether a first-time success of this delivery would be found and counted again at a wake-up. */
export function isCountedAgain({ countFrom, countTo }: LaneRecord, sequence: number): boolean {
  return sequence >= countFrom && sequence <= countTo;
}

/** Time in which the lane was active, in ms, up to `now`: stands still while it is paused or disabled. */
export function activeClock(record: LaneRecord, now: number): number {
  return (record.inactiveSince ?? now) - record.inactiveMs;
}
