/** All that a lane keeps, opened together: its record, its deliveries, its statistics and what waits to be sent. */
import { EarlierAttempts } from "./earlier-attempts";
import type { EventsPort } from "./events-port";
import { Announcements } from "./announcements";
import { Backoffs } from "./backoffs";
import type { CounterCheck } from "./counter-check";
import { DayTables } from "./day-tables";
import { DeliveryLog } from "./delivery-log";
import { Digests } from "./digests";
import type { LaneConfig } from "./handover";
import { SeenEvents } from "./seen-events";
import { LaneCounters } from "./lane-counters";
import { countedAgainMax, type LaneRecord, LaneRecordStore, type Counters } from "./lane-record";
import { upgradeStep } from "./lane-upgrade";
import { Outbox } from "./outbox";
import { PendingDeliveries } from "./pending-deliveries";
import { Replays } from "./replays";
import { RequestShapes } from "./request-shapes";
import type { Schedule } from "./schedule";
import { ScheduleSearch } from "./schedule-search";
import { healthy, withClockAt } from "./receiver-health";
import { type FinishedAttempt, Stats } from "./stats";

/** More than a result takes: headers and body of an answer, those of the request, and the attempt before it. */
const largeWriteBytes = 32_768;

/** A head that was accepted later than this after now was accepted before the clock went back. */
const clockToleranceMs = 1000;

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
  readonly earlierAttempts: EarlierAttempts;
  readonly outbox: Outbox;
  readonly pending: PendingDeliveries;
  readonly digests: Digests;
  readonly replays: Replays;
  readonly announcements: Announcements;
  readonly requestShapes: RequestShapes;
  readonly backoffs: Backoffs;
  readonly search: ScheduleSearch;
  readonly stats: Stats;
  readonly log: DeliveryLog;
  readonly #sql: SqlStorage;
  readonly #record: LaneRecordStore;
  /** The head that `heldUntil` was last asked about. */
  #heldHead: { sequence: number; acceptedAt: number } | undefined;
  /** What is counted beyond the last checkpoint, too. */
  readonly counting: LaneCounters;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#record = new LaneRecordStore(sql);
    this.days = new DayTables(sql);
    this.seenEvents = new SeenEvents(sql, this.days);
    const { sequenceBase } = this.record;
    this.earlierAttempts = new EarlierAttempts(sql);
    const { days, seenEvents, earlierAttempts: earlier } = this;
    this.outbox = new Outbox(sql, { days, seenEvents, earlier, sequenceBase });
    this.pending = new PendingDeliveries(sql, this.days);
    this.digests = new Digests(sql, this.days, this.pending);
    this.replays = new Replays(sql, this.days);
    this.announcements = new Announcements(sql);
    this.requestShapes = new RequestShapes(sql);
    this.stats = new Stats(sql);
    this.log = new DeliveryLog(sql, { days, digests: this.digests, health: () => this.record.receiver });
    this.backoffs = new Backoffs(sql);
    this.counting = new LaneCounters({ sql, days: this.days, stats: this.stats, record: this.record });
    const receiver = withClockAt(this.record.receiver, Date.now());
    if (receiver !== this.record.receiver) this.setRecord({ receiver });
    const { backoffs, outbox, pending } = this;
    this.search = new ScheduleSearch({ backoffs, outbox, pending, record: () => this.record });
    upgradeStep(this);
  }

  get record(): Readonly<LaneRecord> {
    return this.#record.get();
  }

  get counters(): Readonly<Counters> {
    return this.counting.counters;
  }

  get schedule(): Schedule {
    return this.search.schedule;
  }

  /** How many deliveries are pending, those that wait for a retry included. */
  get backlog(): number {
    return this.outbox.lastSequence - this.counters.finished;
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
    const countFrom = this.schedule.nextUntried();
    this.#record.set({
      ...this.counting.checkpoint(),
      lowWater: this.schedule.lowWater(),
      frontier: this.schedule.frontier(),
      countFrom,
      countTo: countFrom + countedAgainMax - 1,
      ...change,
    });
  }

  /** Writes it if anything was counted that no recount would find. */
  checkpointIfDirty(): void {
    if (this.counting.isDirty) this.checkpoint();
  }

  /** Counts a delivery that was delivered with another one's first attempt, under the same tick: before that is counted. */
  countCarried(attempt: FinishedAttempt): void {
    this.counting.countCarried(attempt);
  }

  /** Counts a first-time success that was recorded under the tick `counters.attempts + 1`. */
  countSuccess(attempt: FinishedAttempt): void {
    this.counting.countSuccess(attempt);
    if (this.counting.isFull(this.record)) this.checkpoint();
  }

  /** Begins a check of the counters against the rows (`CounterCheck`): to be ended by `repairCounters`. */
  beginCounterCheck(): CounterCheck {
    const unsent = this.replays.firstUnsentMissing() ?? Number.POSITIVE_INFINITY;
    return this.outbox.beginCheck(Math.min(this.schedule.lowWater(), unsent));
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

  /** Rebuilds the schedule after a change of the ordering. Attempts under way are kept, and recorded as before. */
  reschedule(): void {
    this.search.reschedule();
    // What was known of one ordering's partitions says nothing of another's.
    this.checkpoint();
  }

  /** Whether what piles up becomes one message. */
  get hasDigests(): boolean {
    const { config } = this.record;
    return config?.ordering === "strict" && (config.digestS ?? 0) > 0;
  }

  /** Until when the head waits for others to share its message, in ms; 0: it does not. */
  heldUntil(now: number): number {
    const head = this.hasDigests ? this.schedule.untriedHead : null;
    if (head === null) return 0;
    if (this.#heldHead?.sequence !== head) {
      this.#heldHead = { sequence: head, acceptedAt: this.pending.acceptedAt(head) ?? 0 };
    }
    const { acceptedAt } = this.#heldHead;
    // After a clock that went back it would wait for longer.
    return acceptedAt > now + clockToleranceMs ? 0 : acceptedAt + (this.record.config?.digestS ?? 0) * 1000;
  }

  /** Decides which deliveries share the head's next message, and writes it down. @returns their sequences, in order. */
  gather(head: number): number[] {
    if (!this.hasDigests) {
      this.digests.dissolve(head);
      return [];
    }
    const state = this.outbox.state(head);
    if (state === null) return [];
    return this.digests.gather({ sequence: head, attempts: state.attempts }, this.outbox.lastSequence);
  }

  /** How many attempts may begin per second; null: no limit. */
  get ratePerS(): number | null {
    return this.requestShapes.ratePerS(this.record.config);
  }

  /** Whether `ratePerS` is what it will be. */
  get isPaceKnown(): boolean {
    return this.requestShapes.isPaceKnown(this.record.config);
  }

  /** Writes the record without the counts: one row. */
  setRecord(change: Partial<Omit<LaneRecord, "counters">>): void {
    this.#record.set(change);
  }

  /** Writes one row, without changing it: the row that an attempt would write. @throws when storage takes no writes. */
  rewrite(): void {
    if (!this.outbox.rewrite(this.schedule.lowWater())) this.setRecord({});
  }

  /** Writes as much as a result may take, in a row of its own. @throws when storage takes no writes. */
  tryLargeWrite(): void {
    this.#sql.exec("CREATE TABLE IF NOT EXISTS large_write (id INTEGER PRIMARY KEY, filler BLOB NOT NULL)");
    this.#sql.exec("INSERT OR REPLACE INTO large_write VALUES (1, randomblob(?))", largeWriteBytes);
    this.#sql.exec("DELETE FROM large_write");
  }

  /** Lets everything that waits go now: the webhook was resumed. @param inactiveMs what does not count as its age. */
  makeAllDue(now: number, inactiveMs: number): void {
    this.schedule.makeAllDue();
    this.outbox.makeDue(now);
    this.replays.makeDue(now, inactiveMs);
    this.backoffs.clear();
    this.setRecord({ receiver: healthy });
  }

  /** Lets what waits go now as far as it is known: the receiver is back. */
  release(now: number): void {
    this.schedule.release();
    this.replays.makeDue(now, 0);
  }

  /** After a clock that went back by so much: no wait is longer than it was meant to be. */
  shiftWaits(backMs: number, now: number): void {
    this.schedule.shift(backMs);
    this.replays.shift(backMs, now);
    this.setRecord({ receiver: withClockAt(this.record.receiver, now) });
  }
}
