/**
 * Sends the deliveries that are due. A lane has one drain. It is woken by every change that may make a delivery due,
 * and reads the lane's storage again after every wait.
 */
import { log } from "../platform/log";
import { deliveryStatus } from "./delivery-state";
import { nextPause } from "./gateway-pause";
import type { LaneStorage } from "./lane-storage";
import type { LoadedDelivery } from "./pending-deliveries";
import { RateLimit } from "./rate-limit";
import type { ProbeKind } from "./receiver-health";
import { logAttempt, logGatewayFailure } from "./log-attempt";
import { messageOf, webhookUuid } from "./message-of";
import { type EndedAttempt, recordAttempt, recordPlainSuccess } from "./record-attempt";
import { ReplayTurns } from "./replay-turns";
import type { ReplayHead } from "./replays";
import { type ReadyDelivery, widthOf } from "./schedule";
import { GatewayFailure } from "../send/gateway-failure";
import type { Message, SentAttempt } from "../send/sender";
import { isStopping, noteUnderWay } from "./planned-stop";
import { StorageCheck } from "./storage-check";

/** How long a partition waits after a failure of the gateway before sending, such as a missing key. */
const gatewayFailurePauseMs = 60_000;
/** How far apart alarms are while the process is about to stop. */
const stoppingPauseMs = 1000;
/**
 * The most attempts that one run starts. An invocation of a Worker may make 10,000 subrequests, and has limited CPU
 * time.
 */
export const sendsPerRunMax = 500;
/**
 * The longest time that a drain waits for the next attempt that the rate limit allows. An alarm instead would cost a
 * row.
 */
const rateLimitWaitMaxMs = 1000;
/** Changes of the clock by less than this are ignored. */
const clockToleranceMs = 1000;
/** The parts of a lane that a drain needs. */
export type DrainedLane = {
  /** Null once the webhook was deleted: must be called again after every wait. */
  storage(): LaneStorage | null;
  /**
   * Makes an attempt. Calls `noteRequest` right before its request, once all writes are on disk. @throws for failures of
   * the gateway, before anything was sent.
   */
  send(message: Message): Promise<SentAttempt>;
  /** Is called after an attempt was recorded. */
  recorded(): void;
  /** Waits until an attempt may start. @returns a function to call after the attempt, which frees its slot. */
  takeSlot(): Promise<() => void>;
  /** Fetches the next page of a replay from the archive into the lane. */
  fetchPage(head: ReplayHead & { kind: "fetch" }): Promise<void>;
  /** Runs `work` as one transaction. If it fails, the object is aborted, and starts again from the state on disk. */
  atomically(work: () => void): void;
  /** Like `atomically`, for work of one statement, which needs no transaction. */
  orRestart<Result>(work: () => Result): Result;
  /**
   * Is called when the run has started all attempts that it may, and some are still under way: another run must take
   * over.
   */
  spent(): void;
};

/** The drain of one lane. */
export class Drain {
  readonly #lane: DrainedLane;
  readonly #rateLimit = new RateLimit();
  readonly #underWay = new Set<Promise<void>>();
  #running: Promise<void> | undefined;
  #woken = Promise.withResolvers<void>();
  #spent = Promise.withResolvers<void>();
  /** No attempt is started from this time on, in ms. */
  #until = 0;
  #sendsLeft = 0;
  readonly #replayTurns = new ReplayTurns();
  readonly #storageCheck = new StorageCheck();
  /** Whether the message that is under way carries several deliveries. */
  #isDigestUnderWay = false;
  /** The last time that was read from the clock, in ms. */
  #lookedAt = 0;

  constructor(lane: DrainedLane) {
    this.#lane = lane;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Whether the run has started all attempts that it may, until the next `allow`. */
  get isSpent(): boolean {
    return this.#sendsLeft <= 0;
  }

  /** No attempt is started before this time, in ms, after a `GatewayFailure`. */
  get pausedUntil(): number {
    return this.#lane.storage()?.record.gatewayPause?.until ?? 0;
  }

  /** How many attempts may be started before the next `allow`. */
  get sendsLeft(): number {
    return this.#sendsLeft;
  }

  /** Whether the last write to storage failed: no attempt is started until a write succeeds. */
  get isBlocked(): boolean {
    return this.#storageCheck.isBlocked;
  }

  /** Whether a write is not confirmed to be on disk: `noteOnDisk` must follow. */
  get isUnconfirmed(): boolean {
    return this.#storageCheck.isUnconfirmed;
  }

  /** Notes that all writes so far are on disk. */
  noteOnDisk(): void {
    const storage = this.#lane.storage();
    if (storage !== null) this.#storageCheck.noteOnDisk(storage);
  }

  /** Notes that the lane is open after a write that failed. */
  noteAwake(storage: LaneStorage): void {
    this.#storageCheck.noteAwake(storage);
  }

  /** Allows `sendsPerRunMax` more attempts, until a time in ms. Each invocation of the object calls it. */
  allow(until: number): void {
    this.#watchClock();
    this.#until = Math.max(this.#until, until);
    this.#sendsLeft = sendsPerRunMax;
    this.#spent = Promise.withResolvers();
  }

  /** Notes that a write to storage succeeded. */
  noteWritten(): void {
    this.#storageCheck.noteWritten();
  }

  /** Allows writes to storage before the pause after a failed write is over. */
  tryAgain(): void {
    this.#storageCheck.tryAgain();
  }

  /**
   * Sends the deliveries that are due, until none is left or all allowed attempts were started. A second caller joins
   * the run.
   */
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

  /** Makes a waiting drain look again, because another delivery may be due. */
  wake(): void {
    this.#woken.resolve();
  }

  /** Notes that a sender was created: the attempt that waited for it begins now, and its rate limit is known. */
  noteSender(): void {
    this.#rateLimit.started(Date.now());
    this.wake();
  }

  /**
   * Notes that a request starts, and that all writes so far are on disk. The attempt may have waited long for its slot or
   * the disk, and the next one keeps its distance from this request.
   */
  noteRequest(): void {
    this.#rateLimit.started(Date.now());
    this.noteOnDisk();
  }

  /** The sequence number of the replayed delivery that is being sent, or null. */
  get replayUnderWay(): number | null {
    return this.#replayTurns.sequence;
  }

  /** Whether a delivery is due now. */
  isDue(): boolean {
    const now = Date.now();
    const at = this.nextAt(now);
    return at !== null && at <= now;
  }

  /**
   * @returns when the next attempt is due, in ms (in the past: at once, or as soon as there is room); null when nothing
   *   is pending. Everything that delays a lane is considered here and nowhere else. Writes nothing.
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
    return Math.max(at, this.#nextStart(storage, now), blockedUntil, this.pausedUntil, stoppingUntil);
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
      const noteEnd = noteUnderWay();
      const ended = next.finally(() => {
        noteEnd();
        this.#underWay.delete(ended);
        this.wake();
      });
      this.#underWay.add(ended);
      this.#sendsLeft -= 1;
    }
    if (!this.isSpent) return;
    this.#spent.resolve();
    if (this.#underWay.size > 0) this.#lane.spent();
  }

  /** Waits until the drain is woken or an attempt ends, at most `waitMs`. */
  async #nextChange(waitMs: number | null): Promise<void> {
    const { resolve, promise } = this.#woken;
    const timer = waitMs === null ? undefined : setTimeout(resolve, waitMs);
    await promise;
    if (timer !== undefined) clearTimeout(timer);
  }

  /**
   * @returns how long to wait for the next delivery that is due, in ms; null for not waiting for it. While an attempt
   *   is under way the object is awake anyway; otherwise it waits only for the rate limit.
   */
  #waitMs(): number | null {
    const now = Date.now();
    const storage = this.#sendingStorage();
    const at = this.nextAt(now);
    if (storage === null || at === null || !this.#isAllowed(now)) return null;
    // Between two steps of a search for deliveries, other calls run. Without room for an attempt, nothing is searched
    // for.
    if (at <= now) return storage.search.isSearching(now) && this.#hasRoom(storage) ? 0 : null;
    const waitMs = Math.ceil(at - now);
    if (this.#underWay.size > 0) return waitMs;
    return this.#nextStart(storage, now) > now && waitMs <= rateLimitWaitMaxMs ? waitMs : null;
  }

  /** Starts the next attempt. @returns null when none may start. */
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

  #hasRoom({ schedule, isRateKnown }: LaneStorage): boolean {
    // The sender of the first attempt finds out the service's rate limit, and wakes the drain.
    const width = isRateKnown ? widthOf[schedule.ordering] : 1;
    // While a page of a replay is fetched, nothing is sent for it.
    return schedule.inFlight + (this.replayUnderWay === null ? 0 : 1) < width;
  }

  /** Shortens waits after the clock was set back, so that none becomes longer. */
  #watchClock(): void {
    const now = Date.now();
    const backMs = this.#lookedAt - now;
    this.#lookedAt = now;
    if (backMs <= clockToleranceMs) return;
    this.#lane.storage()?.shiftWaits(backMs, now);
    this.#storageCheck.clockWentBack(now);
  }

  #nextStart(storage: LaneStorage, now: number): number {
    return this.#rateLimit.nextStart(storage.ratePerS, now, () => storage.lastStart());
  }

  /** @returns null when nothing may be sent, because the webhook is paused, disabled or deleted. */
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
      logGatewayFailure(storage, sequence, error);
      const notBefore = this.#pauseAfter(error) ? 0 : Date.now() + gatewayFailurePauseMs;
      this.#lane.storage()?.schedule.settle(sequence, { kind: "postponed", notBefore });
      return;
    } finally {
      this.#isDigestUnderWay = false;
    }
    if (outcome === "gone") return storage.schedule.settle(sequence, { kind: "left" });
    if (outcome === "stopped") return storage.schedule.settle(sequence, { kind: "postponed", notBefore: 0 });
    const { outgoing, sent } = outcome;
    const failures = earlierFailures + outgoing.attempts + 1;
    this.#record({ queue: "live", outgoing, partition, failures, others, probe }, sent);
  }

  /** @returns the sequence numbers of the deliveries that the message of the next head carries. */
  #gather(storage: LaneStorage, sequence: number): number[] {
    if (storage.hasDigests) this.#storageCheck.noteWriting(storage);
    return this.#lane.orRestart(() => storage.gather(sequence));
  }

  /**
   * Whether the schedule still has a previous ordering: in the current one, other deliveries may be due. It is kept
   * while a digest is under way, whose deliveries must not be sent a second time.
   */
  #isToBeRescheduled({ schedule, record }: LaneStorage): boolean {
    if (this.#isDigestUnderWay) return false;
    // A lane without a configuration has never accepted events.
    return record.config !== null && schedule.ordering !== record.config.ordering;
  }

  /**
   * Pauses the lane after a `GatewayFailure`, until another invocation, which has limits of its own.
   * @returns whether the error was a `GatewayFailure`.
   */
  #pauseAfter(error: unknown): boolean {
    if (!(error instanceof GatewayFailure)) return false;
    this.#sendsLeft = 0;
    const storage = this.#lane.storage();
    if (storage === null) return true;
    const gatewayPause = nextPause(storage.record.gatewayPause, Date.now());
    this.#lane.orRestart(() => storage.setRecord({ gatewayPause }));
    return true;
  }

  /** Records an attempt. If that fails, the object starts again from the state on disk. */
  #record(attempt: EndedAttempt, sent: SentAttempt): void {
    const storage = this.#lane.storage();
    if (storage === null) return;
    this.#storageCheck.noteRecording(storage);
    if (storage.record.gatewayPause !== null)
      this.#lane.orRestart(() => storage.setRecord({ gatewayPause: null }));
    const isPlain = this.#lane.orRestart(() => recordPlainSuccess(storage, attempt, sent));
    if (!isPlain) this.#lane.atomically(() => recordAttempt(storage, attempt, sent));
    logAttempt(webhookUuid(storage), attempt.outgoing, sent);
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
      this.#lane.storage()?.replays.delay(head.position, Date.now() + gatewayFailurePauseMs);
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

  /** Makes one attempt, as soon as it may start. @throws for failures of the gateway. */
  async #send(
    sequence: number,
    { isStillSent = () => true, replay = null, others = [] }: SendOptions,
  ): Promise<Outcome> {
    this.#rateLimit.started(Date.now());
    const end = await this.#lane.takeSlot();
    try {
      // The webhook may have been paused or deleted meanwhile, and the delivery skipped.
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

/** The outcome of `#send`. `gone`: the delivery must not be sent any more. `stopped`: no delivery may be sent. */
type Outcome = { outgoing: LoadedDelivery; sent: SentAttempt } | "gone" | "stopped";

/**
 * `isStillSent`: whether a delivery still has the right status for an attempt. `replay`: the id of its replay.
 * `others`: the sequence numbers of the other deliveries that the message carries.
 */
type SendOptions = {
  isStillSent?: (outgoing: LoadedDelivery) => boolean;
  replay?: string | null;
  others?: readonly number[];
};

function isPending({ status }: LoadedDelivery): boolean {
  return status === deliveryStatus.pending;
}
