/**
 * The lane of one webhook: it numbers the webhook's deliveries, keeps them on disk and sends them in order. A shell of RPC
 * methods: what is kept is in `LaneStorage`, sending in `Drain`, the alarm in `LaneAlarm`, what passes between the lane and
 * D1 in `Maintenance`.
 */
import { DurableObject } from "cloudflare:workers";
import { log } from "../platform/log";
import { waitUpTo, withTimeout } from "../platform/timeouts";
import { acceptEvents } from "./accept-events";
import { type ChangeResult, redeliver, skip } from "./change-delivery";
import type { FullDelivery, LogPage, LogQuery, LoggedDelivery } from "./delivery-log";
import { Drain } from "./drain";
import type { EventsPort } from "./events-port";
import type { AcceptResult, Handover, LaneConfig } from "./handover";
import { LaneAlarm } from "./lane-alarm";
import { pause, resume } from "./lane-health";
import { LaneRecordStore, type LaneState } from "./lane-record";
import { readStoredWebhook } from "./lane-state";
import { LaneSender } from "./lane-sender";
import { type LaneStats, laneStats } from "./lane-stats";
import { LaneStorage, type OpenLane } from "./lane-storage";
import { LiveUpdates } from "./live-updates";
import { Maintenance } from "./maintenance";
import { fetchMissing } from "./missing-events";
import { readBlocking, readDeadLetters, readDelivery } from "./read-deliveries";
import type { ListedReplay, ReplayPage, ReplayProgress } from "./replay-progress";
import { isLate } from "./seen-events";
import {
  countReplay,
  type ReplayCounted,
  type ReplayRange,
  type ReplayRequest,
  type ReplayStarted,
  startDeadReplay,
  startReplay,
} from "./start-replay";
import type { Bucket } from "./stats";
import { forgetFailedWrites } from "./storage-check";
import { type ReplayStopped, stopReplay } from "./stop-replay";
import { takeTurn } from "./turns";

/** A drain that `accept` starts: an object that only does this is evicted after about 70 s. */
const acceptDrainMs = 10_000;
/** How long `accept` waits for an event that came alone: mostly it is delivered by then, and costs no alarm. */
const aloneWaitMs = 100;
/**
 * A hand-over that follows another one this closely is not waited for: one alarm, set every 10 s while a drain runs
 * (`LaneAlarm`), serves all of them, which is about one row for a hundred deliveries.
 */
const aloneAfterMs = 100;
const dayMs = 86_400_000;

export class WebhookLane extends DurableObject<Env> {
  /** Null once the webhook was deleted. */
  #storage: LaneStorage | null;
  readonly #open: OpenLane;
  readonly #drain: Drain;
  readonly #sender: LaneSender;
  readonly #live: LiveUpdates;
  readonly #maintenance: Maintenance;
  readonly #alarm: LaneAlarm;
  /** In ms; 0 when nothing came since the object was started. */
  #lastAcceptAt = 0;

  constructor(ctx: DurableObjectState, env: Env, events: EventsPort) {
    super(ctx, env);
    const { sql } = ctx.storage;
    const isClosed = new LaneRecordStore(sql).get().closedAt !== null;
    this.#storage = isClosed ? null : new LaneStorage(sql);
    const storage = () => this.#storage;
    this.#open = { env, events, storage, atomically: (work) => this.#atomically(work) };
    this.#live = new LiveUpdates(ctx);
    this.#sender = new LaneSender(env, { storage, made: () => this.#drain.wake() });
    this.#drain = new Drain({
      storage,
      send: (message) => this.#sender.send(message),
      ready: () => this.#ready(),
      fetchPage: (head) => fetchMissing(this.#open, head),
      atomically: (work) => this.#atomically(work),
      orRestart: (work) => this.#orRestart(work),
      recorded: () => this.#tellPages(),
      spent: () => ctx.waitUntil(this.#alarm.arm()),
    });
    this.#maintenance = new Maintenance({
      ...this.#open,
      close: () => this.close(),
      isWritable: () => !this.#drain.isBlocked,
    });
    this.#alarm = new LaneAlarm({ ctx, storage, drain: this.#drain, maintenance: this.#maintenance });
  }

  /**
   * Takes events in, behind all others. When it returns `accepted`, they are on disk and an alarm stands; sending has begun
   * but is not waited for. A call that is repeated takes nothing twice (`maybeKnown`).
   */
  async accept({ config, events, isAcknowledged = false }: Handover): Promise<AcceptResult> {
    if (this.#storage?.record.config === null) await this.#learn(config.webhook.uuid);
    const storage = this.#storage;
    if (storage === null || storage.record.config === null) return { outcome: "refused", because: "deleted" };
    storage.want(config.version);
    if (storage.record.state === "disabled" && !isAcknowledged) {
      return { outcome: "refused", because: "disabled" };
    }
    const now = Date.now();
    if (events.some((event) => isLate(event, now))) return { outcome: "late" };
    const fresh = acceptEvents(this.ctx.storage, storage, { events, now });
    if (fresh.includes(true)) this.#drain.noteWritten();
    const isAlone = storage.backlog === 1 && now - this.#lastAcceptAt >= aloneAfterMs;
    this.#lastAcceptAt = now;
    this.#maintenance.noteUse();
    // Also when all of them are known: the call that brought them may have been cut off before its alarm stood.
    await this.#work({ waitMs: isAlone ? aloneWaitMs : 0 });
    return { outcome: "accepted", fresh };
  }

  /** Takes a changed configuration: the next attempt goes by it. An older one than the lane has is ignored. */
  async configure(config: LaneConfig): Promise<void> {
    if (this.#storage === null) return;
    this.#storage.adopt(config);
    // In another ordering something else may go at once.
    await this.#work();
  }

  /** Ends everything and frees the storage. What is under way is not recorded any more. */
  async close(): Promise<void> {
    this.#storage = null;
    this.#drain.wake();
    await this.ctx.storage.deleteAll();
    new LaneRecordStore(this.ctx.storage.sql).set({ closedAt: Date.now() });
    await this.#alarm.arm();
    this.#live.close();
  }

  /**
   * Opens the WebSocket of a page of the webhook, which is told of changes.
   * @param request its URL's `session` tells whose page it is.
   */
  override async fetch(request: Request): Promise<Response> {
    if (this.#storage === null)
      return Response.json({ message: "The webhook was deleted." }, { status: 404 });
    return this.#live.open(new URL(request.url).searchParams.get("session") ?? "");
  }

  /** Pages send nothing but their signs of life, which do not come here. */
  override webSocketMessage(socket: WebSocket): void {
    socket.close(1008, "This socket accepts no messages.");
  }

  /** Completes the closing of a page's socket. */
  override webSocketClose(socket: WebSocket): void {
    socket.close();
  }

  /** From now on takes in and keeps, and sends nothing; what is under way lands. @returns the state after it. */
  async pause(): Promise<LaneState | null> {
    return this.#changeState(pause);
  }

  /** Sends again, at once and in order; also after the webhook was disabled. @returns the state after it. */
  async resume(): Promise<LaneState | null> {
    return this.#changeState(resume);
  }

  /** Gives a waiting delivery up, at once: its partition moves on. */
  async skip(sequence: number): Promise<ChangeResult> {
    const result = skip(this.#open, sequence);
    if (result === "done") await this.#work();
    return result;
  }

  /** Sends a delivery again: the waiting head of a partition now, a finished one as soon as there is room. */
  async redeliver(sequence: number): Promise<ChangeResult> {
    const result = redeliver(this.#storage, sequence);
    if (result === "done") await this.#work();
    return result;
  }

  /** Sends again, behind what is new, what was accepted in a time (`startReplay`). */
  async replay(request: ReplayRequest): Promise<ReplayStarted> {
    const started = await startReplay(this.#open, request);
    if (started.outcome === "started" && started.isNew) await this.#work();
    return started;
  }

  /** How many deliveries such a replay would have. */
  async countReplay(range: ReplayRange): Promise<ReplayCounted> {
    return countReplay(this.#open, range);
  }

  /** Running and past replays, newest first. @param page.before `next` of the page before it. */
  async replays(page: { limit: number; before?: number }): Promise<ReplayPage> {
    return this.#storage?.replays.list(page) ?? { replays: [], next: null };
  }

  /** The replays that are not done, in the order in which they are sent, at most `limit`. */
  async runningReplays(limit: number): Promise<ListedReplay[]> {
    return this.#storage?.replays.running(limit) ?? [];
  }

  /** Ends a replay: what it has not sent is not sent. @returns null when there is none (any more). */
  async stopReplay(id: string): Promise<ReplayStopped | null> {
    const storage = this.#storage;
    if (storage === null) return null;
    const { replayUnderWay } = this.#drain;
    let stopped: ReplayStopped | null = null;
    this.#open.atomically(() => (stopped = stopReplay(storage, id, replayUnderWay)));
    await this.#work();
    return stopped;
  }

  /** Starts a replay of dead letters: those with these sequences, or all (`startDeadReplay`). */
  async replayDead(sequences?: readonly number[]): Promise<{ id: string; queued: number } | null> {
    const started = startDeadReplay(this.#storage, sequences);
    if (started !== null) await this.#work();
    return started;
  }

  /** How far a replay has come, or null when there is none (any more). */
  async replayProgress(id: string): Promise<ReplayProgress | null> {
    return this.#storage?.replays.progress(id) ?? null;
  }

  /** The first deliveries that failed and block what is behind them, at most `limit`. @param options as in `LogQuery`. */
  async blockedBy(limit: number, options?: Pick<LogQuery, "withTitles">): Promise<LoggedDelivery[]> {
    return readBlocking(this.#storage, limit, options);
  }

  /** The log, newest first. */
  async deliveries(query: LogQuery): Promise<LogPage> {
    return this.#storage?.log.list(query) ?? { deliveries: [], next: null };
  }

  /** The dead letters, newest first, and how many there are in all. @param page.before only sequences below. */
  async deadLetters(
    page: Pick<LogQuery, "limit" | "before" | "withTitles">,
  ): Promise<LogPage & { count: number }> {
    return readDeadLetters(this.#storage, page);
  }

  /** One delivery in full, with all headers and the exact body of its latest attempt; null when there is none. */
  async delivery(sequence: number): Promise<(FullDelivery & { body: string | null }) | null> {
    return readDelivery(this.#storage, sequence);
  }

  /** The delivery of an event, or null. @param firstAcceptedAt when the archive first had it, in ms. */
  async deliveryOf(eventUuid: string, firstAcceptedAt: number): Promise<LoggedDelivery | null> {
    const sequence = this.#storage?.seenEvents.find(eventUuid, firstAcceptedAt) ?? null;
    return sequence === null ? null : (this.#storage?.log.one(sequence) ?? null);
  }

  /** State and figures, without a look through the log. */
  async stats(): Promise<LaneStats | null> {
    const storage = this.#storage;
    if (storage === null) return null;
    const now = Date.now();
    storage.search.scanForReady(now);
    return laneStats(storage, this.#drain.nextAt(now), now);
  }

  /** The last day's figures in buckets of five minutes, oldest first. */
  async history(): Promise<Bucket[]> {
    return this.#storage?.stats.since(Date.now() - dayMs) ?? [];
  }

  /** Once a day, called by cron: forgets what is past its time, and has a lane that sleeps read its row in D1. */
  async maintain(): Promise<void> {
    await this.#maintenance.checkCounters();
    await this.#maintenance.indexEvents();
    await this.#maintenance.run();
    await this.#work();
    this.#maintenance.prune();
    await this.#maintenance.reportEmpty();
    await this.#alarm.arm();
  }

  /** Called by cron after a write failed (`wakeLanes`): sends what is due, once storage takes writes. */
  async wake(): Promise<void> {
    if (this.#storage === null || this.#storage.record.config === null) {
      forgetFailedWrites(this.ctx.id.name ?? "");
      return;
    }
    this.#drain.noteAwake(this.#storage);
    await this.#work();
  }

  /** Sends what is due, then sets the next alarm. */
  override async alarm(): Promise<void> {
    await this.#alarm.run();
  }

  /**
   * Starts a drain if something is due, and makes sure that an alarm stands while there is work.
   * @param options.waitMs how long the alarm may wait for a drain that is started here. The caller must not be told that
   *   anything was accepted before the alarm is set.
   */
  async #work({ waitMs = 0 } = {}): Promise<void> {
    this.#tellPages();
    this.#drain.allow(Date.now() + acceptDrainMs);
    if (this.#drain.isRunning) this.#drain.wake();
    else if (this.#drain.isDue()) {
      const drained = this.#drainNow();
      this.ctx.waitUntil(drained);
      if (waitMs > 0) await waitUpTo(waitMs, drained);
    }
    await this.#alarm.arm();
  }

  async #drainNow(): Promise<void> {
    try {
      await this.#drain.run();
      await this.#alarm.arm();
    } catch (error) {
      log("error", "drain failed", { webhook: this.#webhookUuid(), error: String(error) });
    }
  }

  /** A failure to tell a page is no failure of the lane's. */
  #tellPages(): void {
    try {
      this.#live.changed();
    } catch (error) {
      log("warn", "pages not told", { webhook: this.#webhookUuid(), error: String(error) });
    }
  }

  /**
   * Waits until an attempt may begin. The platform holds a request back until what was written before it is on disk, and
   * that wait is not the receiver's.
   */
  async #ready(): Promise<() => void> {
    await this.ctx.storage.sync();
    return takeTurn();
  }

  /**
   * Reads the configuration of a lane that has none: the call that was to bring it at the webhook's creation was lost.
   * @throws when D1 cannot be read.
   */
  async #learn(webhookUuid: string): Promise<void> {
    const stored = await withTimeout(readStoredWebhook(this.env.DB, webhookUuid));
    if (stored !== null && !stored.deleted) this.#storage?.adoptStored(stored.config);
  }

  async #changeState(change: typeof pause): Promise<LaneState | null> {
    const storage = this.#storage;
    if (storage === null) return null;
    change(storage, Date.now());
    await this.#maintenance.run();
    await this.#work();
    return storage.record.state;
  }

  #atomically(work: () => void): void {
    this.#orRestart(() => this.ctx.storage.transactionSync(work));
  }

  /** @throws what `work` throws, after which the object starts again: what was undone on disk may have changed its memory. */
  #orRestart<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      log("error", "a transaction failed: the lane starts again from its disk", {
        webhook: this.#webhookUuid(),
        error: String(error),
      });
      this.ctx.abort(String(error));
      throw error;
    }
  }

  #webhookUuid(): string | undefined {
    return this.#storage?.record.config?.webhook.uuid;
  }
}
