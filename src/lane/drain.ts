/**
 * Sends what is due. A lane has one drain, which is woken by every change that may make something due, and reads the lane's
 * storage again after every wait.
 */
import { log } from "../platform/log";
import { deliveryStatus } from "./delivery-state";
import type { LaneStorage } from "./lane-storage";
import type { LoadedDelivery } from "./pending-deliveries";
import { RateLimit } from "./rate-limit";
import type { ProbeKind } from "./receiver-health";
import { logAttempt, logOwnFailure } from "./log-attempt";
import { messageOf, webhookUuid } from "./message-of";
import { type Flight, recordAttempt, recordPlainSuccess } from "./record-attempt";
import { ReplayTurns } from "./replay-turns";
import type { ReplayHead } from "./replays";
import { type ReadyDelivery, widthOf } from "./schedule";
import { OwnFailure } from "../send/own-failure";
import type { Message, SentAttempt } from "../send/sender";
import { isStopping, noteUnderWay } from "./planned-stop";
import { StorageCheck } from "./storage-check";

/** How long a partition waits after a failure of ours before anything was sent, such as a missing key. */
const ownFailurePauseMs = 60_000;
/** How long the lane waits after an attempt that says nothing about the receiver (`OwnFailure`): twice as long each time. */
const firstPauseMs = 1000;
const longestPauseMs = 60_000;
/** How far apart alarms are while the process is about to stop. */
const stoppingPauseMs = 1000;
/** How many attempts are started in one run: a Worker's invocation may make 10,000 subrequests, and has its CPU time. */
export const sendsPerRunMax = 500;
/** For up to so long a drain waits for the next attempt that a rate limit allows: an alarm would cost a row. */
const rateLimitWaitMaxMs = 1000;
/** A clock that goes back by less is ignored. */
const clockToleranceMs = 1000;
/** What a drain needs of its lane. */
export type DrainedLane = {
  /** Null once the webhook was deleted: asked again after every wait. */
  storage(): LaneStorage | null;
  /** @throws for failures of ours, before anything was sent. */
  send(message: Message): Promise<SentAttempt>;
  /** An attempt was written down. */
  recorded(): void;
  /** Waits until an attempt may begin. @returns gives back what it waited for, once the attempt has ended. */
  ready(): Promise<() => void>;
  /** Takes the next page of a replay from the archive into the lane. */
  fetchPage(head: ReplayHead & { kind: "fetch" }): Promise<void>;
  /** Runs `work` as one transaction. One that fails ends the object: it starts again from what is on disk. */
  atomically(work: () => void): void;
  /** The same, for work that is one statement and needs no transaction. */
  orRestart<Result>(work: () => Result): Result;
  /** The run has started all that it may, and something is still under way: another run is to take over. */
  spent(): void;
};

export class Drain {
  readonly #lane: DrainedLane;
  readonly #rateLimit = new RateLimit();
  readonly #underWay = new Set<Promise<void>>();
  #running: Promise<void> | undefined;
  #woken = Promise.withResolvers<void>();
  #spent = Promise.withResolvers<void>();
  /** Nothing is started from this time on, in ms. */
  #until = 0;
  #sendsLeft = 0;
  readonly #replayTurns = new ReplayTurns();
  readonly #storageCheck = new StorageCheck();
  /** Nothing is sent before, in ms: an invocation has used up its limits, or the process was late. */
  #pausedUntil = 0;
  /** `OwnFailure`s in a row. */
  #ownFailures = 0;
  /** Whether the message that is under way carries several deliveries. */
  #isDigestUnderWay = false;
  /** When the clock was last looked at, in ms. */
  #lookedAt = 0;

  constructor(lane: DrainedLane) {
    this.#lane = lane;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Whether attempts may only be started after the next `allow`. */
  get isSpent(): boolean {
    return this.#sendsLeft <= 0;
  }

  /** Nothing is sent before, in ms: after an `OwnFailure`. */
  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  /** How many attempts may be started before the next `allow`. */
  get sendsLeft(): number {
    return this.#sendsLeft;
  }

  /** Whether storage refused the last write: nothing is sent until it takes one. */
  get isBlocked(): boolean {
    return this.#storageCheck.isBlocked;
  }

  /** Whether something was written that is not known to be on disk: `noteOnDisk` must follow. */
  get isUnconfirmed(): boolean {
    return this.#storageCheck.isUnconfirmed;
  }

  /** All that was written until now is on disk. */
  noteOnDisk(): void {
    const storage = this.#lane.storage();
    if (storage !== null) this.#storageCheck.noteOnDisk(storage);
  }

  /** The lane is open after a write that failed. */
  noteAwake(storage: LaneStorage): void {
    this.#storageCheck.noteAwake(storage);
  }

  /** Lets so many attempts be started, until a time in ms: each invocation of the object brings this along. */
  allow(until: number): void {
    this.#watchClock();
    this.#until = Math.max(this.#until, until);
    this.#sendsLeft = sendsPerRunMax;
    this.#spent = Promise.withResolvers();
  }

  /** Storage has taken a write. */
  noteWritten(): void {
    this.#storageCheck.noteWritten();
  }

  /** Lets storage be written to again, before the pause after a refused write is over. */
  tryAgain(): void {
    this.#storageCheck.tryAgain();
  }

  /** Sends what is due, until nothing is or what was allowed is used up. A second caller joins the run. */
  run(): Promise<void> {
    this.#running ??= this.#sendAll().finally(() => {
      this.#running = undefined;
    });
    this.wake();
    return this.#running;
  }

  /** Resolved when the attempts that were allowed are used up. */
  get whenSpent(): Promise<void> {
    return this.#spent.promise;
  }

  /** Something may be due that was not: a drain that waits looks again. */
  wake(): void {
    this.#woken.resolve();
  }

  /** The delivery of the replays that is under way, or null. */
  get replayUnderWay(): number | null {
    return this.#replayTurns.sequence;
  }

  /** Whether something is to be sent now. */
  isDue(): boolean {
    const now = Date.now();
    const at = this.nextAt(now);
    return at !== null && at <= now;
  }

  /**
   * When something is to be sent next, in ms (long past: at once, or as soon as there is room); null when nothing waits. All
   * that holds a lane back is considered here and nowhere else. Writes nothing.
   */
  nextAt(now: number): number | null {
    const storage = this.#sendingStorage();
    if (storage === null) return null;
    const { schedule, search, record } = storage;
    const live = this.#isToBeRescheduled(storage)
      ? 0
      : schedule.nextAt({ now, health: record.receiver, heldUntil: storage.heldUntil(now) }, search.hasMore);
    const again = this.#replayTurns.nextAt(storage, now);
    const at = live === null || again === null ? (live ?? again) : Math.min(live, again);
    if (at === null) return null;
    const stoppingUntil = isStopping() ? now + stoppingPauseMs : 0;
    const { blockedUntil } = this.#storageCheck;
    return Math.max(at, this.#nextStart(storage, now), blockedUntil, this.#pausedUntil, stoppingUntil);
  }

  async #sendAll(): Promise<void> {
    for (;;) {
      this.#woken = Promise.withResolvers();
      this.#startAllDue();
      const waitMs = this.#waitMs();
      if (this.#underWay.size === 0 && waitMs === null) return;
      await this.#nextChange(waitMs);
    }
  }

  #startAllDue(): void {
    for (let next = this.#startNext(); next !== null; next = this.#startNext()) {
      const noteLanded = noteUnderWay();
      const landed = next.finally(() => {
        noteLanded();
        this.#underWay.delete(landed);
        this.wake();
      });
      this.#underWay.add(landed);
      this.#sendsLeft -= 1;
    }
    if (!this.isSpent) return;
    this.#spent.resolve();
    if (this.#underWay.size > 0) this.#lane.spent();
  }

  /** Waits until the drain is woken, something lands, or so long. */
  async #nextChange(waitMs: number | null): Promise<void> {
    const { resolve, promise } = this.#woken;
    const timer = waitMs === null ? undefined : setTimeout(resolve, waitMs);
    await promise;
    if (timer !== undefined) clearTimeout(timer);
  }

  /**
   * How long to wait for what is due next, in ms, or null to wait for none of it: while something is under way the object
   * is awake anyway, and else only a rate limit is waited for.
   */
  #waitMs(): number | null {
    const now = Date.now();
    const storage = this.#sendingStorage();
    const at = this.nextAt(now);
    if (storage === null || at === null || !this.#isAllowed(now)) return null;
    // A search for what may go gives other calls their turn between two looks. Without room nothing is searched for.
    if (at <= now) return storage.search.isSearching(now) && this.#hasRoom(storage) ? 0 : null;
    const waitMs = Math.ceil(at - now);
    if (this.#underWay.size > 0) return waitMs;
    return this.#nextStart(storage, now) > now && waitMs <= rateLimitWaitMaxMs ? waitMs : null;
  }

  /** Starts what may go next, or null when nothing may. */
  #startNext(): Promise<void> | null {
    this.#watchClock();
    const now = Date.now();
    const storage = this.#sendingStorage();
    if (storage === null || !this.#isAllowed(now)) return null;
    if (this.#isToBeRescheduled(storage)) storage.reschedule();
    const at = this.#hasRoom(storage) ? this.nextAt(now) : null;
    if (at === null || at > now || !this.#storageCheck.passes(storage)) return null;
    const replay = this.#replayTurns.due(storage, now);
    if (replay !== null && this.#replayTurns.isBeforeLive(storage)) return this.#replay(storage, replay);
    storage.search.scanForReady(now);
    const health = storage.record.receiver;
    const heldUntil = storage.heldUntil(now);
    const ready = storage.schedule.take({ now, health, heldUntil, random: Math.random() });
    if (ready === null) return replay === null ? null : this.#replay(storage, replay);
    this.#replayTurns.noteLive();
    return this.#sendLive(storage, ready);
  }

  /** Whether this run may start another attempt. */
  #isAllowed(now: number): boolean {
    return now < this.#until && !this.isSpent;
  }

  #hasRoom({ schedule, isPaceKnown }: LaneStorage): boolean {
    // Moments after the first attempt has begun, its sender knows the pace of the service, and wakes the drain.
    const width = isPaceKnown ? widthOf[schedule.ordering] : 1;
    return schedule.inFlight + (this.#replayTurns.isUnderWay ? 1 : 0) < width;
  }

  /** After a clock that went back, no wait is longer than it was meant to be. */
  #watchClock(): void {
    const now = Date.now();
    const backMs = this.#lookedAt - now;
    this.#lookedAt = now;
    if (backMs <= clockToleranceMs) return;
    this.#lane.storage()?.shiftWaits(backMs, now);
    this.#storageCheck.clockWentBack(now);
    this.#pausedUntil = Math.min(this.#pausedUntil, now);
  }

  #nextStart(storage: LaneStorage, now: number): number {
    return this.#rateLimit.nextStart(storage.ratePerS, now, () => storage.lastStart());
  }

  /** Null when nothing may be sent: the webhook is paused, disabled or deleted. */
  #sendingStorage(): LaneStorage | null {
    const storage = this.#lane.storage();
    return storage?.record.state === "active" ? storage : null;
  }

  async #sendLive(storage: LaneStorage, ready: ReadyDelivery): Promise<void> {
    const { sequence, partition, earlierFailures, probe } = ready;
    let outcome: Outcome;
    const others = this.#gather(storage, sequence);
    this.#isDigestUnderWay = others.length > 0;
    try {
      outcome = await this.#send(sequence, { isStillSent: isPending, others });
    } catch (error) {
      logOwnFailure(storage, sequence, error);
      const notBefore = this.#pauseAfter(error) ? 0 : Date.now() + ownFailurePauseMs;
      this.#lane.storage()?.schedule.land(sequence, { kind: "postponed", notBefore });
      return;
    } finally {
      this.#isDigestUnderWay = false;
    }
    if (outcome === "gone") return storage.schedule.land(sequence, { kind: "left" });
    if (outcome === "stopped") return storage.schedule.land(sequence, { kind: "postponed", notBefore: 0 });
    const { outgoing, sent } = outcome;
    const failures = earlierFailures + outgoing.attempts + 1;
    this.#record({ queue: "live", outgoing, partition, failures, others, probe }, sent);
  }

  /** Which deliveries share the message of the head that is about to go. */
  #gather(storage: LaneStorage, sequence: number): number[] {
    if (storage.hasDigests) this.#storageCheck.noteWriting(storage);
    return this.#lane.orRestart(() => storage.gather(sequence));
  }

  /**
   * Whether the schedule is still in an ordering that was given up: in the new one something may go that waits in it. But
   * nothing goes beside a message that carries it.
   */
  #isToBeRescheduled({ schedule, record }: LaneStorage): boolean {
    if (this.#isDigestUnderWay) return false;
    // A lane without a configuration never accepted anything.
    return record.config !== null && schedule.ordering !== record.config.ordering;
  }

  /**
   * Pauses the lane after an `OwnFailure`, until another invocation: that one has limits of its own.
   * @returns whether it was one.
   */
  #pauseAfter(error: unknown): boolean {
    if (!(error instanceof OwnFailure)) return false;
    this.#pausedUntil = Date.now() + Math.min(firstPauseMs * 2 ** this.#ownFailures, longestPauseMs);
    this.#ownFailures += 1;
    this.#sendsLeft = 0;
    return true;
  }

  /** Records an attempt. When that fails, the object starts again from what is on disk. */
  #record(flight: Flight, sent: SentAttempt): void {
    const storage = this.#lane.storage();
    if (storage === null) return;
    this.#ownFailures = 0;
    this.#storageCheck.noteRecording(storage);
    const isPlain = this.#lane.orRestart(() => recordPlainSuccess(storage, flight, sent));
    if (!isPlain) this.#lane.atomically(() => recordAttempt(storage, flight, sent));
    logAttempt(webhookUuid(storage), flight.outgoing, sent);
    this.#lane.recorded();
  }

  async #replay(storage: LaneStorage, head: ReplayHead): Promise<void> {
    const probe = storage.record.receiver.down === null || head.kind === "fetch" ? null : "retry";
    this.#replayTurns.begin(head);
    try {
      if (head.kind === "fetch") await this.#lane.fetchPage(head);
      else await this.#sendAgain(storage, head, probe);
    } catch (error) {
      log("error", "replay failed on our side", {
        webhook: storage.record.config?.webhook.uuid,
        error: String(error),
      });
      if (this.#pauseAfter(error)) return;
      this.#lane.storage()?.replays.delay(head.position, Date.now() + ownFailurePauseMs);
    } finally {
      this.#replayTurns.end();
    }
  }

  async #sendAgain(
    storage: LaneStorage,
    head: ReplayHead & { kind: "send" },
    probe: ProbeKind | null,
  ): Promise<void> {
    const outcome = await this.#send(head.sequence, { replay: head.replay });
    if (outcome === "gone") storage.replays.pass(head.position, head.sequence, Date.now());
    if (typeof outcome === "string") return;
    this.#record({ queue: "again", outgoing: outcome.outgoing, head, probe }, outcome.sent);
  }

  /**
   * Makes one attempt, as soon as it may begin.
   * @throws for failures of ours.
   */
  async #send(
    sequence: number,
    { isStillSent = () => true, replay = null, others = [] }: SendOptions,
  ): Promise<Outcome> {
    this.#rateLimit.started(Date.now());
    const end = await this.#lane.ready();
    this.noteOnDisk();
    try {
      // While it waited, the webhook may have been paused or deleted, and the delivery skipped.
      const storage = this.#sendingStorage();
      if (storage === null || isStopping()) return "stopped";
      const outgoing = storage.pending.load(sequence);
      if (outgoing === null || !isStillSent(outgoing)) return "gone";
      const carried = others.map((other) => storage.pending.load(other)).filter((other) => other !== null);
      const message = messageOf(storage, outgoing, { replay, others: carried });
      return { outgoing, sent: await this.#lane.send(message) };
    } finally {
      end();
    }
  }
}

/** `gone`: the delivery is not to be sent any more. `stopped`: nothing is. */
type Outcome = { outgoing: LoadedDelivery; sent: SentAttempt } | "gone" | "stopped";

/**
 * `isStillSent`: whether a delivery is as it must be for an attempt. `replay`: the replay that it belongs to. `others`: the
 * sequences of what the message carries, too.
 */
type SendOptions = {
  isStillSent?: (outgoing: LoadedDelivery) => boolean;
  replay?: string | null;
  others?: readonly number[];
};

function isPending({ status }: LoadedDelivery): boolean {
  return status === deliveryStatus.pending;
}
