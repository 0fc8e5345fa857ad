/** All that a lane keeps, opened together: its record, its deliveries, its statistics and what waits to be sent. */
import type { EventsPort } from "./events-port";
import { Announcements } from "./announcements";
import type { CounterCheck } from "./counter-check";
import { DayTables } from "./day-tables";
import { DeliveryLog } from "./delivery-log";
import type { LaneConfig } from "./handover";
import { SeenEvents } from "./seen-events";
import { LaneCounters } from "./lane-counters";
import { countedAgainMax, type LaneRecord, LaneRecordStore, type Counters } from "./lane-record";
import { upgradeStep } from "./lane-upgrade";
import { Outbox } from "./outbox";
import { PendingDeliveries, type PendingDelivery } from "./pending-deliveries";
import { Replays } from "./replays";
import { RequestShapes } from "./request-shapes";
import { type Backoff, Schedule } from "./schedule";
import { healthy, withClockAt } from "./receiver-health";
import { type FinishedAttempt, Stats } from "./stats";

/** How many deliveries that failed a lane that wakes reads: each is two rows. */
const failedMax = 1000;
/** Up to this backlog, accepted deliveries go straight into the schedule, without a read from disk. */
const scheduledMax = 1000;
/** So many deliveries of one look are tried as the head of a partition that a full schedule takes in all the same. */
const freshCandidatesMax = 20;
/** A partition's back-off that ended this long ago says nothing any more. */
const backoffKeptMs = 86_400_000;

/** More than a result takes: headers and body of an answer, those of the request, and the attempt before it. */
const largeWriteBytes = 32_768;

/** What those need of a lane who pass something between it and D1. */
export type OpenLane = {
  env: Env;
  events: EventsPort;
  /** Null once the webhook was deleted: asked again after every wait. */
  storage(): LaneStorage | null;
  /** Runs `work` as one transaction. After one that failed, `storage` is another one. */
  atomically(work: () => void): void;
};

export class LaneStorage {
  readonly days: DayTables;
  readonly seenEvents: SeenEvents;
  readonly outbox: Outbox;
  readonly pending: PendingDeliveries;
  readonly replays: Replays;
  readonly announcements: Announcements;
  readonly requestShapes: RequestShapes;
  readonly stats: Stats;
  readonly log: DeliveryLog;
  readonly #sql: SqlStorage;
  readonly #record: LaneRecordStore;
  /** What is counted beyond the last checkpoint, too. */
  readonly counting: LaneCounters;
  #schedule: Schedule;
  /** How far a full schedule has looked for what may show that the receiver is back. */
  #freshScannedTo = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#record = new LaneRecordStore(sql);
    this.days = new DayTables(sql);
    this.seenEvents = new SeenEvents(sql, this.days);
    const { sequenceBase } = this.record;
    this.outbox = new Outbox(sql, { days: this.days, seenEvents: this.seenEvents, sequenceBase });
    this.pending = new PendingDeliveries(sql, this.days);
    this.replays = new Replays(sql, this.days);
    this.announcements = new Announcements(sql);
    this.requestShapes = new RequestShapes(sql);
    this.stats = new Stats(sql);
    this.log = new DeliveryLog(sql, this.days, () => this.record.receiver);
    // The back-off of partitions whose head was given up (`Backoff`).
    sql.exec(`CREATE TABLE IF NOT EXISTS carried (
      line TEXT PRIMARY KEY, not_before INTEGER NOT NULL, failures INTEGER NOT NULL
    ) WITHOUT ROWID`);
    this.counting = new LaneCounters({ sql, days: this.days, stats: this.stats, record: this.record });
    const receiver = withClockAt(this.record.receiver, Date.now());
    if (receiver !== this.record.receiver) this.setRecord({ receiver });
    this.#schedule = this.#wakeSchedule();
    upgradeStep(this);
  }

  get record(): Readonly<LaneRecord> {
    return this.#record.get();
  }

  get counters(): Readonly<Counters> {
    return this.counting.counters;
  }

  get schedule(): Schedule {
    return this.#schedule;
  }

  /** How many deliveries are pending, those that wait for a retry included. */
  get backlog(): number {
    return this.outbox.lastSequence - this.counters.finished;
  }

  /** Whether pending deliveries exist that are not in the schedule yet. */
  get hasMore(): boolean {
    return this.#searchedTo < this.outbox.lastSequence;
  }

  /** The sequence behind which a search goes on: of a full schedule, one for what came since the receiver's latest failure. */
  get #searchedTo(): number {
    const { scannedTo, isFull } = this.#schedule;
    return isFull ? Math.max(scannedTo, this.#freshScannedTo, this.record.receiver.seenUpTo) : scannedTo;
  }

  /** Whether the search for something that may go is not over: it looks at a bounded number of rows at a time. */
  isSearching(now: number): boolean {
    return this.hasMore && this.#schedule.wantsMore({ now, health: this.record.receiver });
  }

  /** When the latest attempt began, in ms, as far as a checkpoint and the rows behind it tell; null without any. */
  lastStart(): number | null {
    // A replay's attempts lie anywhere: then it may have been just now.
    if (this.replays.head(Date.now()) !== null) return Date.now();
    const { countFrom, countTo, lastStartedAt } = this.record;
    return Math.max(this.pending.lastStart(countFrom, countTo) ?? 0, lastStartedAt) || null;
  }

  /** Takes a configuration unless the lane has this one or a later one. */
  adopt(config: LaneConfig): void {
    const { config: current, wantedVersion } = this.record;
    if (current !== null && config.version <= current.version) return;
    const isWanted = wantedVersion !== null && config.version < wantedVersion;
    this.checkpoint({ config, wantedVersion: isWanted ? wantedVersion : null });
  }

  /** Takes the configuration that D1 has now, which no other can be newer than. */
  adoptStored(config: LaneConfig): void {
    this.adopt(config);
    if (this.record.wantedVersion !== null) this.setRecord({ wantedVersion: null });
  }

  /** Notes that there is a configuration of this version. */
  want(version: number): void {
    const { config, wantedVersion } = this.record;
    if (config !== null && config.version >= version) return;
    if (wantedVersion === null || wantedVersion < version) this.setRecord({ wantedVersion: version });
  }

  /** Writes the record with all counts: two rows, or one when no attempt was made since the last time. */
  checkpoint(change: Partial<LaneRecord> = {}): void {
    this.stats.flush();
    const countFrom = this.#schedule.nextUntried();
    this.#record.set({
      ...this.counting.checkpoint(),
      lowWater: this.#schedule.lowWater(),
      frontier: this.#schedule.frontier(),
      countFrom,
      countTo: countFrom + countedAgainMax - 1,
      ...change,
    });
  }

  /** Writes it if anything was counted that no recount would find. */
  checkpointIfDirty(): void {
    if (this.counting.isDirty) this.checkpoint();
  }

  /** Counts a first-time success that was recorded under the tick `counters.attempts + 1`. */
  countSuccess(attempt: FinishedAttempt): void {
    this.counting.countSuccess(attempt);
    if (this.counting.isFull(this.record)) this.checkpoint();
  }

  /** Begins a check of the counters against the rows (`CounterCheck`): to be ended by `repairCounters`. */
  beginCounterCheck(): CounterCheck {
    const unsent = this.replays.firstUnsentMissing() ?? Number.POSITIVE_INFINITY;
    return this.outbox.beginCheck(Math.min(this.#schedule.lowWater(), unsent));
  }

  /**
   * Puts counters right that the rows contradict.
   * @param counted what the check has just found.
   * @returns by how much they were wrong, or null when they were not.
   */
  repairCounters({ waiting, dead }: { waiting: number; dead: number }): Partial<Counters> | null {
    this.outbox.endCheck();
    const finished = this.outbox.lastSequence - waiting;
    const delivered = finished - dead - this.record.gone;
    const wrong = {
      finished: finished - this.counters.finished,
      delivered: delivered - this.counters.delivered,
      dead: dead - this.counters.dead,
    };
    if (Object.values(wrong).every((difference) => difference === 0)) return null;
    this.counting.adjust(wrong);
    this.checkpoint({ copiedToD1: false });
    return wrong;
  }

  /** Adds what was just accepted to the schedule (all that there is behind `before`), if all before it is in it and there is room. */
  scheduleAccepted(accepted: readonly PendingDelivery[], before: number): void {
    if (this.#schedule.scannedTo !== before || this.backlog > scheduledMax) return;
    this.#addToSchedule(accepted, this.outbox.lastSequence);
  }

  #addToSchedule(found: readonly PendingDelivery[], scannedTo: number): void {
    this.#schedule.add(found, scannedTo);
  }

  /** Scans a bounded number of rows for deliveries that may be sent, if the schedule has none. */
  scanForReady(now: number): void {
    if (!this.isSearching(now)) return;
    const { found, scannedTo } = this.pending.after(this.#searchedTo, this.outbox.lastSequence);
    if (!this.#schedule.isFull) return this.#addToSchedule(found, scannedTo);
    this.#freshScannedTo = scannedTo;
    found.slice(0, freshCandidatesMax).some((pending) => this.#addFirst(pending));
  }

  /**
   * Lets a waiting delivery go now. Where nobody has looked as far as it is, since the receiver is down, the rows before it
   * tell whether it is the head of its partition.
   * @returns false where another one of its partition is tried first.
   */
  makeDue(sequence: number): boolean {
    this.scanForReady(Date.now());
    if (this.#schedule.makeDue(sequence)) return true;
    const pending = sequence > this.#schedule.scannedTo ? this.pending.load(sequence) : null;
    if (pending === null || this.#schedule.ordering === "strict") return false;
    return this.#addFirst(pending) && this.#schedule.makeDue(sequence);
  }

  /** Adds a delivery behind what was looked at, if it is the head of its partition: the rows before it tell. */
  #addFirst(pending: PendingDelivery): boolean {
    const { scannedTo, ordering } = this.#schedule;
    const isBehindOthers =
      ordering !== "none" && this.pending.existBetween(scannedTo, pending.sequence, pending.orderingKey);
    return !isBehindOthers && this.#schedule.addHead(pending);
  }

  /** Rebuilds the schedule after a change of the ordering. Attempts under way are kept, and recorded as before. */
  reschedule(): void {
    const before = this.#schedule;
    this.#schedule = this.#openSchedule({ lowWater: before.lowWater(), before });
    // What was known of one ordering's partitions says nothing of another's.
    this.checkpoint();
  }

  /** How many attempts may begin per second; null: no limit. */
  get ratePerS(): number | null {
    return this.requestShapes.ratePerS(this.record.config);
  }

  /** Writes the record without the counts: one row. */
  setRecord(change: Partial<Omit<LaneRecord, "counters">>): void {
    this.#record.set(change);
  }

  /** Writes one row, without changing it: the row that an attempt would write. @throws when storage takes no writes. */
  rewrite(): void {
    if (!this.outbox.rewrite(this.#schedule.lowWater())) this.setRecord({});
  }

  /** Writes as much as a result may take, in a row of its own. @throws when storage takes no writes. */
  tryLargeWrite(): void {
    this.#sql.exec("CREATE TABLE IF NOT EXISTS large_write (id INTEGER PRIMARY KEY, filler BLOB NOT NULL)");
    this.#sql.exec("INSERT OR REPLACE INTO large_write VALUES (1, randomblob(?))", largeWriteBytes);
    this.#sql.exec("DELETE FROM large_write");
  }

  /** Keeps the back-off of a partition whose head was given up. */
  keepBackoff(partition: string, { notBefore, failures }: Backoff): void {
    this.#sql.exec("INSERT OR REPLACE INTO carried VALUES (?, ?, ?)", partition, notBefore, failures);
  }

  dropBackoff(partition: string): void {
    this.#sql.exec("DELETE FROM carried WHERE line = ?", partition);
  }

  /** Lets everything that waits go now: the webhook was resumed. @param inactiveMs what does not count as its age. */
  makeAllDue(now: number, inactiveMs: number): void {
    this.#schedule.makeAllDue();
    this.outbox.makeDue(now);
    this.replays.makeDue(now, inactiveMs);
    this.#sql.exec("DELETE FROM carried");
    this.setRecord({ receiver: healthy });
  }

  /** Lets what waits go now as far as it is known: the receiver is back. */
  release(now: number): void {
    this.#schedule.release();
    this.replays.makeDue(now, 0);
  }

  /** After a clock that went back by so much: no wait is longer than it was meant to be. */
  shiftWaits(backMs: number, now: number): void {
    this.#schedule.shift(backMs);
    this.replays.shift(backMs, now);
    this.setRecord({ receiver: withClockAt(this.record.receiver, now) });
  }

  /** What failed is found by its index; the rest is looked for from the frontier on. */
  #wakeSchedule(): Schedule {
    const { lowWater, frontier } = this.record;
    const failed = this.pending.failedBetween(lowWater, frontier, failedMax);
    // More than are looked at: the rest is looked for among the rows, as if there were no index.
    const isAll = failed.length < failedMax;
    const schedule = this.#openSchedule({ lowWater: isAll ? frontier + 1 : lowWater });
    if (isAll) schedule.addFailed(failed);
    return schedule;
  }

  #openSchedule({ lowWater, before }: { lowWater: number; before?: Schedule }): Schedule {
    this.#sql.exec("DELETE FROM carried WHERE not_before < ?", Date.now() - backoffKeptMs);
    const backoffs = this.#sql
      .exec<{ line: string; not_before: number; failures: number }>("SELECT * FROM carried")
      .toArray()
      .map((row): [string, Backoff] => [row.line, { notBefore: row.not_before, failures: row.failures }]);
    return new Schedule({
      ordering: this.record.config?.ordering ?? "strict",
      lowWater,
      backoffs: new Map(backoffs),
      ...(before && {
        before: {
          schedule: before,
          orderingKeyOf: (sequence) => this.pending.load(sequence)?.orderingKey ?? "",
        },
      }),
    });
  }
}
