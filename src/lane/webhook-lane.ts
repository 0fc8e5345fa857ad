/**
 * The lane of one webhook: it numbers the webhook's deliveries, stores them and sends them in order. This class has
 * only the RPC methods: `LaneStorage` has the data, `Drain` sends, `LaneAlarm` has the alarm, and `Maintenance`
 * exchanges data with D1.
 */
import { DurableObject } from "cloudflare:workers";
import { atomically, orRestart } from "../platform/atomically";
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
import type { ReplayHead } from "./replays";
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
import { takeSlot } from "./attempt-slots";

/** How long a drain that `accept` starts may run. An object without other work is evicted after about 70 s. */
const acceptDrainMs = 10_000;
/** How long `accept` waits for the delivery of a single event. Usually it is delivered by then, and needs no alarm. */
const aloneWaitMs = 100;
/**
 * `accept` does not wait if the previous hand-over was less than this ago. One alarm, set every 10 s while a drain runs
 * (`LaneAlarm`), then serves all of them, which is about one row for a hundred deliveries.
 */
const aloneAfterMs = 100;
const dayMs = 86_400_000;

/** The Durable Object class of lanes, one object per webhook. */
export class WebhookLane extends DurableObject<Env> {
  /** Null once the webhook was deleted. */
  #storage: LaneStorage | null;
  readonly #open: OpenLane;
  readonly #drain: Drain;
  readonly #sender: LaneSender;
  readonly #live: LiveUpdates;
  readonly #maintenance: Maintenance;
  readonly #alarm: LaneAlarm;
  /** When the latest hand-over came, in ms; 0: none since the object was started. */
  #lastAcceptAt = 0;

  constructor(ctx: DurableObjectState, env: Env, events: EventsPort) {
    super(ctx, env);
    const { sql } = ctx.storage;
    const isClosed = new LaneRecordStore(sql).get().closedAt !== null;
    this.#storage = isClosed ? null : new LaneStorage(sql);
    const storage = () => this.#storage;
    this.#open = { env, events, storage, atomically: (work) => atomically(ctx, work) };
    this.#live = new LiveUpdates(ctx);
    this.#sender = new LaneSender(env, {
      storage,
      made: () => this.#drain.noteSender(),
      beforeRequest: () => this.#beforeRequest(),
    });
    this.#drain = new Drain({
      storage,
      send: (message) => this.#sender.send(message),
      takeSlot,
      fetchPage: (head) => this.#fetchPage(head),
      atomically: (work) => atomically(ctx, work),
      orRestart: (work) => orRestart(ctx, work),
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
   * Accepts events, after all others. When it returns `accepted`, they are stored and an alarm is set; sending has
   * started, but the call does not wait for it. A repeated call accepts no event twice (`maybeKnown`).
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
    // This runs even if all of them are known: an earlier call may have been cut off before its alarm was set.
    await this.#work({ waitMs: isAlone ? aloneWaitMs : 0 });
    return { outcome: "accepted", fresh };
  }

  /** Stores a changed configuration, which the next attempt uses. An older one than the lane has is ignored. */
  async configure(config: LaneConfig): Promise<void> {
    if (this.#storage === null) return;
    this.#storage.adopt(config);
    // With another ordering, other deliveries may be due.
    await this.#work();
  }

  /** Closes the lane and deletes its storage. Attempts under way are not recorded any more. */
  async close(): Promise<void> {
    this.#storage = null;
    this.#drain.wake();
    await this.ctx.storage.deleteAll();
    new LaneRecordStore(this.ctx.storage.sql).set({ closedAt: Date.now() });
    await this.#alarm.arm();
    this.#live.close();
  }

  /**
   * Opens the WebSocket of a page of the webhook, which is notified of changes.
   * @param request the parameter `session` of its URL identifies the page's session.
   */
  override async fetch(request: Request): Promise<Response> {
    if (this.#storage === null)
      return Response.json({ message: "The webhook was deleted." }, { status: 404 });
    return this.#live.open(new URL(request.url).searchParams.get("session") ?? "");
  }

  /** Pages send only heartbeats, which the platform answers. */
  override webSocketMessage(socket: WebSocket): void {
    socket.close(1008, "This socket accepts no messages.");
  }

  /** Completes the closing of a page's socket. */
  override webSocketClose(socket: WebSocket): void {
    socket.close();
  }

  /**
   * Pauses the webhook: it accepts events but sends nothing. Attempts under way are finished. @returns the new state;
   * null when the webhook was deleted.
   */
  async pause(): Promise<LaneState | null> {
    return this.#changeState(pause);
  }

  /**
   * Resumes a paused or disabled webhook: it sends again, at once and in order. @returns the new state; null when the
   * webhook was deleted.
   */
  async resume(): Promise<LaneState | null> {
    return this.#changeState(resume);
  }

  /** Gives up a pending delivery at once. Its partition continues. */
  async skip(sequence: number): Promise<ChangeResult> {
    const result = skip(this.#open, sequence);
    if (result === "done") await this.#work();
    return result;
  }

  /** Resends a delivery: the pending head of a partition now, and a finished delivery as soon as there is room. */
  async redeliver(sequence: number): Promise<ChangeResult> {
    const result = redeliver(this.#storage, sequence);
    if (result === "done") await this.#work();
    return result;
  }

  /** Starts a replay of a time range (`startReplay`). */
  async replay(request: ReplayRequest): Promise<ReplayStarted> {
    const started = await startReplay(this.#open, request);
    if (started.outcome === "started" && started.isNew) await this.#work();
    return started;
  }

  /** Counts the deliveries that a replay would have. */
  async countReplay(range: ReplayRange): Promise<ReplayCounted> {
    return countReplay(this.#open, range);
  }

  /** @returns a page of running and finished replays, newest first. @param page.before `next` of the previous page. */
  async replays(page: { limit: number; before?: number }): Promise<ReplayPage> {
    return this.#storage?.replays.list(page) ?? { replays: [], next: null };
  }

  /** @returns the first `limit` replays that are not finished, in order. */
  async runningReplays(limit: number): Promise<ListedReplay[]> {
    return this.#storage?.replays.running(limit) ?? [];
  }

  /** Stops a replay (`stopReplay`). @returns null when it does not exist, or is no longer kept. */
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

  /** @returns the progress of a replay; null when it does not exist, or is no longer kept. */
  async replayProgress(id: string): Promise<ReplayProgress | null> {
    return this.#storage?.replays.progress(id) ?? null;
  }

  /** The first deliveries that failed and block what is behind them, at most `limit`. @param options as in `LogQuery`. */
  async blockedBy(limit: number, options?: Pick<LogQuery, "withTitles">): Promise<LoggedDelivery[]> {
    return readBlocking(this.#storage, limit, options);
  }

  /** @returns a page of the log, newest first. */
  async deliveries(query: LogQuery): Promise<LogPage> {
    return this.#storage?.log.list(query) ?? { deliveries: [], next: null };
  }

  /**
   * @returns a page of dead letters, newest first, and the number of all. @param page.before only lower sequence
   *   numbers.
   */
  async deadLetters(
    page: Pick<LogQuery, "limit" | "before" | "withTitles">,
  ): Promise<LogPage & { count: number }> {
    return readDeadLetters(this.#storage, page);
  }

  /**
   * @returns one delivery in full, with all headers and the exact body of its latest attempt; null when it does not
   *   exist.
   */
  async delivery(sequence: number): Promise<(FullDelivery & { body: string | null }) | null> {
    return readDelivery(this.#storage, sequence);
  }

  /** @returns the delivery of an event, or null. @param firstAcceptedAt by the archive, in ms. */
  async deliveryOf(eventUuid: string, firstAcceptedAt: number): Promise<LoggedDelivery | null> {
    const sequence = this.#storage?.seenEvents.find(eventUuid, firstAcceptedAt) ?? null;
    return sequence === null ? null : (this.#storage?.log.one(sequence) ?? null);
  }

  /** @returns the state and statistics; null when the webhook was deleted. */
  async stats(): Promise<LaneStats | null> {
    const storage = this.#storage;
    if (storage === null) return null;
    const now = Date.now();
    storage.search.scanForReady(now);
    return laneStats(storage, this.#drain.nextAt(now), now);
  }

  /** @returns the statistics of the last day in buckets of five minutes, oldest first. */
  async history(): Promise<Bucket[]> {
    return this.#storage?.stats.since(Date.now() - dayMs) ?? [];
  }

  /**
   * The daily maintenance, called by cron: removes old data, checks the counters, and reads the webhook's row in D1.
   */
  async maintain(): Promise<void> {
    await this.#maintenance.checkCounters();
    await this.#maintenance.indexEvents();
    await this.#maintenance.run();
    await this.#work();
    this.#maintenance.prune();
    await this.#maintenance.reportEmpty();
    await this.#alarm.arm();
  }

  /** Called by cron after a failed write (`wakeLanes`): sends the deliveries that are due, once writes succeed. */
  async wake(): Promise<void> {
    if (this.#storage === null || this.#storage.record.config === null) {
      forgetFailedWrites(this.ctx.id.name ?? "");
      return;
    }
    this.#drain.noteAwake(this.#storage);
    await this.#work();
  }

  /** Sends the deliveries that are due, then sets the next alarm. */
  override async alarm(): Promise<void> {
    await this.#alarm.run();
  }

  /**
   * Starts a drain if a delivery is due, and makes sure that an alarm is set while there is work.
   * @param options.waitMs how long to wait for a drain that is started here, before the alarm is set. The caller must
   *   not report events as accepted before that.
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

  /** Notifies pages. Never throws, because a failure does not concern the lane. */
  #tellPages(): void {
    try {
      this.#live.changed();
    } catch (error) {
      log("warn", "pages not told", { webhook: this.#webhookUuid(), error: String(error) });
    }
  }

  async #fetchPage(head: ReplayHead & { kind: "fetch" }): Promise<void> {
    await fetchMissing(this.#open, head);
    this.#maintenance.noteUse();
  }

  /** Waits until all writes are on disk. */
  async #beforeRequest(): Promise<void> {
    await this.ctx.storage.sync();
    this.#drain.noteRequest();
  }

  /**
   * Reads the configuration of a lane that has none, because the call at the webhook's creation was lost.
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

  #webhookUuid(): string | undefined {
    return this.#storage?.record.config?.webhook.uuid;
  }
}
