/** The storage of a lane: its record, deliveries, schedule, statistics and log, opened together. */
import { EarlierAttempts } from "./earlier-attempts";
import type { EventsPort } from "./events-port";
import { Announcements } from "./announcements";
import { Backoffs } from "./backoffs";
import type { CounterCheck } from "./counter-check";
import { DayTables } from "./day-tables";
import { DeadLetterCopies } from "./dead-letter-copies";
import { DeliveryLog } from "./delivery-log";
import { Digests } from "./digests";
import { pauseWithClockAt } from "./gateway-pause";
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

/**
 * More bytes than a result needs: headers and body of the response, headers of the request, and the previous attempt.
 */
const largeWriteBytes = 32_768;

/** A head whose time of acceptance is further than this in the future was accepted before the clock was set back. */
const clockToleranceMs = 1000;

/** The parts of a lane that operations between it and D1 need. */
export type OpenLane = {
  env: Env;
  events: EventsPort;
  /** Null once the webhook was deleted: must be called again after every wait. */
  storage(): LaneStorage | null;
  /** Runs `work` as one transaction. If it fails, the object starts again. */
  atomically(work: () => void): void;
};

/** The storage of one lane. */
export class LaneStorage {
  readonly days: DayTables;
  readonly seenEvents: SeenEvents;
  readonly earlierAttempts: EarlierAttempts;
  readonly deadLetterCopies: DeadLetterCopies;
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
  /** The head of the latest call of `heldUntil`. */
  #heldHead: { sequence: number; acceptedAt: number } | undefined;
  /** The counters, including changes since the last checkpoint. */
  readonly counting: LaneCounters;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#record = new LaneRecordStore(sql);
    this.days = new DayTables(sql);
    this.seenEvents = new SeenEvents(sql, this.days);
    const { sequenceBase } = this.record;
    this.earlierAttempts = new EarlierAttempts(sql);
    this.deadLetterCopies = new DeadLetterCopies(sql, this.days);
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
    this.#watchClock(Date.now());
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

  /** How many deliveries are pending, including those that wait for a retry. */
  get backlog(): number {
    return this.outbox.lastSequence - this.counters.finished;
  }

  /**
   * @returns when the latest attempt started, in ms, according to the checkpoint and the rows after it; null without
   *   attempts.
   */
  lastStart(): number | null {
    // The attempts of a replay may be in any row: the latest one may have started just now.
    if (this.replays.head(Date.now()) !== null) return Date.now();
    const { countFrom, countTo, lastStartedAt } = this.record;
    return Math.max(this.pending.lastStart(countFrom, countTo) ?? 0, lastStartedAt) || null;
  }

  /** Stores a configuration, unless the lane has this version or a later one. */
  adopt(config: LaneConfig): void {
    const { config: current, wantedVersion } = this.record;
    if (current !== null && config.version <= current.version) return;
    const isWanted = wantedVersion !== null && config.version < wantedVersion;
    this.checkpoint({ config, wantedVersion: isWanted ? wantedVersion : null });
  }

  /** Stores the current configuration from D1: there cannot be a newer one. */
  adoptStored(config: LaneConfig): void {
    this.adopt(config);
    if (this.record.wantedVersion !== null) this.setRecord({ wantedVersion: null });
  }

  /** Notes that D1 has a configuration of this version. */
  want(version: number): void {
    const { config, wantedVersion } = this.record;
    if (config !== null && config.version >= version) return;
    if (wantedVersion === null || wantedVersion < version) this.setRecord({ wantedVersion: version });
  }

  /** Writes the record with all counters: two rows, or one when no attempt was made since the last checkpoint. */
  checkpoint(change: Partial<LaneRecord> = {}): void {
    this.stats.flush();
    const countFrom = this.schedule.nextUntried();
    this.#record.set({
      ...this.counting.checkpoint(),
      lowWater: this.schedule.lowWater(),
      frontier: this.search.frontier((change.config ?? this.record.config)?.ordering),
      countFrom,
      countTo: countFrom + countedAgainMax - 1,
      ...change,
    });
  }

  /** Writes a checkpoint if the counters have changes that a recount would not find. */
  checkpointIfDirty(): void {
    if (this.counting.isDirty) this.checkpoint();
  }

  /**
   * Counts a delivery that another one's first attempt carried, with the same tick. Must be called before
   * `countSuccess` for that attempt.
   */
  countCarried(attempt: FinishedAttempt): void {
    this.counting.countCarried(attempt);
  }

  /** Counts a first-attempt success that was recorded with the tick `counters.attempts + 1`. */
  countSuccess(attempt: FinishedAttempt): void {
    this.counting.countSuccess(attempt);
    if (this.counting.isFull(this.record)) this.checkpoint();
  }

  /** Starts a check of the counters against the rows (`CounterCheck`). `repairCounters` must end it. */
  beginCounterCheck(): CounterCheck {
    const unsent = this.replays.firstUnsentMissing() ?? Number.POSITIVE_INFINITY;
    return this.outbox.beginCheck(Math.min(this.schedule.lowWater(), unsent));
  }

  /**
   * Corrects the counters after a check.
   * @param counted the result of the check.
   * @returns the corrections; null when the counters were right.
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
    // The low-water mark and the frontier were those of the previous ordering's partitions.
    this.checkpoint();
  }

  /** Whether the webhook has digests. */
  get hasDigests(): boolean {
    const { config } = this.record;
    return config?.ordering === "strict" && (config.digestS ?? 0) > 0;
  }

  /** @returns until when the head waits for other deliveries of its digest, in ms; 0: it does not wait. */
  heldUntil(now: number): number {
    const head = this.hasDigests ? this.schedule.untriedHead : null;
    if (head === null) return 0;
    if (this.#heldHead?.sequence !== head) {
      this.#heldHead = { sequence: head, acceptedAt: this.pending.acceptedAt(head) ?? 0 };
    }
    const { acceptedAt } = this.#heldHead;
    // If the clock was set back, the head does not wait, as it would wait for longer.
    return acceptedAt > now + clockToleranceMs ? 0 : acceptedAt + (this.record.config?.digestS ?? 0) * 1000;
  }

  /**
   * Decides which deliveries the head's next message carries, and stores them. @returns their sequence numbers, in
   * order.
   */
  gather(head: number): number[] {
    if (!this.hasDigests) {
      this.digests.dissolve(head);
      return [];
    }
    const state = this.outbox.state(head);
    if (state === null) return [];
    return this.digests.gather({ sequence: head, attempts: state.attempts }, this.outbox.lastSequence);
  }

  /** How many attempts may start per second; null: no limit. */
  get ratePerS(): number | null {
    return this.requestShapes.ratePerS(this.record.config);
  }

  /** Whether `ratePerS` is final. */
  get isRateKnown(): boolean {
    return this.requestShapes.isRateKnown(this.record.config);
  }

  /** Writes the record without the counters: one row. */
  setRecord(change: Partial<Omit<LaneRecord, "counters">>): void {
    this.#record.set(change);
  }

  /** Writes one row without changing it, the row that the next attempt would write. @throws when the write fails. */
  rewrite(): void {
    if (!this.outbox.rewrite(this.schedule.lowWater())) this.setRecord({});
  }

  /** Writes as many bytes as a result may need, in a row of its own. @throws when the write fails. */
  tryLargeWrite(): void {
    this.#sql.exec("CREATE TABLE IF NOT EXISTS large_write (id INTEGER PRIMARY KEY, filler BLOB NOT NULL)");
    this.#sql.exec("INSERT OR REPLACE INTO large_write VALUES (1, randomblob(?))", largeWriteBytes);
    this.#sql.exec("DELETE FROM large_write");
  }

  /**
   * Makes all pending deliveries due, after the webhook was resumed. @param inactiveMs the time that does not count as
   * their age.
   */
  makeAllDue(now: number, inactiveMs: number): void {
    this.schedule.makeAllDue();
    this.outbox.makeDue(now);
    this.replays.makeDue(now, inactiveMs);
    this.backoffs.clear();
    this.setRecord({ receiver: healthy });
  }

  /** Makes the deliveries in the schedule and the replays due, after the receiver has recovered. */
  release(now: number): void {
    this.schedule.release();
    this.replays.makeDue(now, 0);
  }

  /** Shortens all waits after the clock was set back by `backMs`, so that none becomes longer. */
  shiftWaits(backMs: number, now: number): void {
    this.schedule.shift(backMs);
    this.replays.shift(backMs, now);
    this.#watchClock(now);
  }

  /** Shortens the waits in the record that are longer than possible, and ends its other times at `now`. */
  #watchClock(now: number): void {
    const { receiver, gatewayPause, troubleAt, lastFailureAt } = this.record;
    const change = {
      receiver: withClockAt(receiver, now),
      gatewayPause: pauseWithClockAt(gatewayPause, now),
      troubleAt: Math.min(troubleAt, now),
      lastFailureAt: Math.min(lastFailureAt, now),
    };
    const isSame =
      change.receiver === receiver &&
      change.gatewayPause === gatewayPause &&
      Math.max(troubleAt, lastFailureAt) <= now;
    if (!isSame) this.setRecord(change);
  }
}
