/**
 * The lane of one webhook: it numbers the webhook's deliveries, keeps them on disk and sends them in order.
 * A shell of calls and the alarm: what is kept is in `LaneStorage`, sending in `Drain`, consequences in `lane-health`,
 * what passes between the lane and D1 in `Maintenance`.
 */
import { DurableObject } from "cloudflare:workers";
import { waitUpTo } from "../platform/timeouts";
import { log } from "../platform/log";
import type { FullDelivery, LogPage, LogQuery, LoggedDelivery } from "./delivery-log";
import { deliveryStatus } from "./delivery-state";
import { deliveryUuid } from "../send/delivery-uuid";
import { Drain } from "./drain";
import type { EventsPort } from "./events-port";
import type { AcceptResult, HandoverEvent, Handover, LaneConfig } from "./handover";
import { Maintenance } from "./maintenance";
import { backlogMax, disable, pause, resume, storageBytesMax } from "./lane-health";
import { LaneRecordStore, type LaneState } from "./lane-record";
import { LaneSender } from "./lane-sender";
import { type LaneStats, laneStats } from "./lane-stats";
import { LaneStorage, type OpenLane } from "./lane-storage";
import { LiveUpdates } from "./live-updates";
import { fetchMissing } from "./missing-events";
import type { PendingDelivery } from "./outbox";
import { recordSkip } from "./record-attempt";
import { buildBody } from "../send/payload";
import type { ListedReplay, ReplayPage, ReplayProgress } from "./replay-progress";
import { shownHeaders } from "../send/sender";
import { isLate } from "./seen-events";
import {
  countReplay,
  type ReplayCounted,
  type ReplayRange,
  type ReplayRequest,
  type ReplayStarted,
  startReplay,
} from "./start-replay";
import type { Bucket } from "./stats";
import { type ReplayStopped, stopReplay } from "./stop-replay";

/** A drain that `accept` starts: an object that only does this is evicted after about 70 s. */
const acceptDrainMs = 10_000;
/** A drain that the alarm awaits: an alarm may run for 15 minutes. */
const alarmDrainMs = 600_000;
/** How long `accept` waits for what came alone: mostly it is delivered by then, and costs no alarm. */
const aloneWaitMs = 100;
/**
 * A hand-over that follows another one this closely is not waited for: one alarm, set every `safetyNetMs`, serves all of
 * them, and costs less than one row in twenty deliveries.
 */
const aloneAfterMs = 250;
/** When the alarm stands while a drain runs: it takes over if the drain is cut. */
const safetyNetMs = 10_000;
/** While storage takes no writes, the alarm looks again so often, and then leaves it to the next one. */
const unwritableWaitMs = 2000;
const unwritableWaitsMax = 250;
/** An alarm that stands so long in the past was lost. */
const lostAlarmMs = 60_000;
/** How long a closed lane remembers that it is closed: a slow dispatch may still call. */
const tombstoneMs = 86_400_000;
const dayMs = 86_400_000;
/** How many stretches of the log one call looks through for dead letters. */
const deadLooksMax = 5;

/** What became of a request to change one delivery. `behind`: another one is tried first. */
export type ChangeResult = "done" | "unknown" | "finished" | "behind" | "inactive";

export class WebhookLane extends DurableObject<Env> {
  /** Null once the webhook was deleted. */
  #storage: LaneStorage | null;
  readonly #drain: Drain;
  readonly #sender: LaneSender;
  readonly #live: LiveUpdates;
  readonly #maintenance: Maintenance;
  readonly #open: OpenLane;
  #inAlarm = false;
  /** In ms; 0 when nothing came since the object was started. */
  #lastAcceptAt = 0;

  constructor(ctx: DurableObjectState, env: Env, events: EventsPort) {
    super(ctx, env);
    const { sql } = ctx.storage;
    const isClosed = new LaneRecordStore(sql).get().closedAt !== null;
    const storage = isClosed ? null : new LaneStorage(sql);
    this.#storage = storage;
    this.#live = new LiveUpdates(ctx);
    const current = () => this.#storage;
    const atomically = (work: () => void): void => {
      try {
        ctx.storage.transactionSync(work);
      } catch (error) {
        log("error", "a transaction failed: the lane starts again from its disk", {
          webhook: this.#webhookUuid(),
          error: String(error),
        });
        // What was undone on disk may have changed what is in memory.
        ctx.abort(String(error));
        throw error;
      }
    };
    this.#sender = new LaneSender(env, current);
    this.#open = { env, events, storage: current, atomically };
    this.#maintenance = new Maintenance({ ...this.#open, close: () => this.close() });
    this.#drain = new Drain({
      storage: current,
      send: (message) => this.#sender.send(message),
      rest: () => this.#sender.rest(),
      fetchPage: (head) => fetchMissing(this.#open, head),
      atomically,
      recorded: () => this.#tellPages(),
      spent: () => this.ctx.waitUntil(this.#armAlarm()),
    });
  }

  /**
   * Takes events in at the end of the line. When it returns `accepted`, they are on disk and an alarm stands;
   * sending has begun but is not waited for. A call that is repeated takes nothing twice (`maybeKnown`).
   */
  async accept({ config, events }: Handover): Promise<AcceptResult> {
    const storage = this.#storage;
    if (storage === null) return { outcome: "refused", because: "deleted" };
    storage.adopt(config);
    if (storage.record.state === "disabled") return { outcome: "refused", because: "disabled" };
    const before = storage.outbox.lastSequence;
    const now = Date.now();
    if (events.some((event) => isLate(event, now))) return { outcome: "late" };
    const accepted = this.#acceptAll(storage, events, now);
    const fresh = accepted.filter((delivery) => delivery !== null);
    if (fresh.length > 0) {
      this.#drain.noteWritten();
      storage.scheduleAccepted(fresh, before);
      if (storage.backlog >= backlogMax || this.ctx.storage.sql.databaseSize >= storageBytesMax) {
        disable(storage, now, "The backlog reached its bound: the receiver takes less than it is sent.");
      }
    }
    // Also when all of them are known: the call that brought them may have been cut off before its alarm stood.
    const isAlone = storage.backlog === 1 && now - this.#lastAcceptAt >= aloneAfterMs;
    this.#lastAcceptAt = now;
    await this.#work({ waitMs: isAlone ? aloneWaitMs : 0 });
    return { outcome: "accepted", fresh: accepted.map((delivery) => delivery !== null) };
  }

  /** Takes a changed configuration: the next attempt goes by it. An older one than the lane has is ignored. */
  async configure(config: LaneConfig): Promise<void> {
    if (this.#storage === null) return;
    this.#storage.adopt(config);
    // In another order something else may go at once.
    await this.#work();
  }

  /** Ends everything and frees the storage. What is under way is not recorded any more. */
  async close(): Promise<void> {
    this.#storage = null;
    this.#drain.wake();
    await this.ctx.storage.deleteAll();
    new LaneRecordStore(this.ctx.storage.sql).set({ closedAt: Date.now() });
    await this.#armAlarm();
    this.#live.close();
  }

  /**
   * A page of the webhook that wants to hear of changes: a WebSocket, which the Worker holds for it.
   * @param request its URL's `session` tells whose page it is.
   */
  override async fetch(request: Request): Promise<Response> {
    if (this.#storage === null)
      return Response.json({ message: "The webhook was deleted." }, { status: 404 });
    return this.#live.open(new URL(request.url).searchParams.get("session") ?? "");
  }

  /** Pages have nothing to say but their signs of life. */
  override webSocketMessage(socket: WebSocket): void {
    socket.close(1008, "Nothing is taken here.");
  }

  /** A page that goes is let go. */
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

  /** Gives a waiting delivery up, at once: the line moves. */
  async skip(sequence: number): Promise<ChangeResult> {
    const storage = this.#storage;
    const before = storage?.outbox.state(sequence) ?? null;
    if (storage === null || before === null) return "unknown";
    let isSkipped = false;
    this.#open.atomically(() => (isSkipped = recordSkip(storage, sequence, before)));
    if (!isSkipped) return "finished";
    await this.#work();
    return "done";
  }

  /** Sends a delivery again: the waiting head of a line now, a finished one as soon as there is room. */
  async redeliver(sequence: number): Promise<ChangeResult> {
    const storage = this.#storage;
    const state = storage?.outbox.state(sequence) ?? null;
    if (storage === null || state === null) return "unknown";
    if (storage.record.state !== "active") return "inactive";
    if (state.status === deliveryStatus.pending) {
      if (!storage.makeDue(sequence)) return "behind";
    } else if (state.status === deliveryStatus.replaying) {
      return "behind";
    } else {
      storage.replays.addOne(sequence, Date.now());
    }
    await this.#work();
    return "done";
  }

  /** Sends again, behind what is new, what was accepted in a time. */
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

  /**
   * Sends dead letters again, in the second line: those with these sequences, or all.
   * @returns the replay's uuid and how many letters are in it; null when there are none (any more).
   */
  async replayDead(sequences?: readonly number[]): Promise<{ id: string; queued: number } | null> {
    const storage = this.#storage;
    const queued = storage?.counters.dead ?? 0;
    if (storage === null || queued === 0) return null;
    const { replays, outbox } = storage;
    const now = Date.now();
    const started =
      sequences === undefined
        ? { id: replays.addAllDead(outbox.lastSequence, queued, now), queued }
        : replays.addPicked(sequences, now);
    await this.#work();
    return started;
  }

  /** How far a replay has come, or null when there is none (any more). */
  async replayProgress(id: string): Promise<ReplayProgress | null> {
    return this.#storage?.replays.progress(id) ?? null;
  }

  /** The first deliveries that failed and hold up what is behind them, at most `limit`. */
  async blockedBy(limit: number): Promise<LoggedDelivery[]> {
    const storage = this.#storage;
    if (storage === null || storage.backlog === 0 || storage.schedule.ordering === "none") return [];
    return storage.log.failed(limit);
  }

  /** The log, newest first. */
  async deliveries(query: LogQuery): Promise<LogPage> {
    return this.#storage?.log.list(query) ?? { deliveries: [], next: null };
  }

  /** The dead letters, newest first, and how many there are in all. @param page.before only sequences below. */
  async deadLetters(page: { limit: number; before?: number }): Promise<LogPage & { count: number }> {
    const storage = this.#storage;
    if (storage === null) return { count: 0, deliveries: [], next: null };
    const { log, counters } = storage;
    let found = log.list({ ...page, status: "dead" });
    // They may lie far back. Between two looks others have their turn.
    for (
      let looks = 1;
      looks < deadLooksMax && found.deliveries.length === 0 && found.next !== null;
      looks++
    ) {
      await scheduler.wait(0);
      found = log.list({ ...page, status: "dead", before: found.next });
    }
    return { ...found, count: counters.dead };
  }

  /** One delivery in full, with all headers and the exact body of its latest attempt; null when there is none. */
  async delivery(sequence: number): Promise<(FullDelivery & { body: string | null }) | null> {
    const full = this.#storage?.log.full(sequence) ?? null;
    const shape = full?.sent && this.#storage?.requestShape(full.sent.configVersion);
    if (!full?.sent || !shape) return full && { ...full, body: null };
    const message = {
      deliveryUuid: deliveryUuid(shape.webhook.uuid, sequence),
      eventType: full.eventType,
      place: { sequence },
    };
    const headers = shownHeaders(shape, message, full.sent.headers);
    return { ...full, sent: { ...full.sent, headers }, body: buildBody({ ...shape, event: full.event }) };
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
    storage.scanForReady(now);
    return laneStats(storage, this.#drain.nextAt(now), now);
  }

  /** The last day's figures in buckets of five minutes, oldest first. */
  async history(): Promise<Bucket[]> {
    return this.#storage?.stats.since(Date.now() - dayMs) ?? [];
  }

  /** Once a day, called by cron: forgets what is past its time, and lets a lane that sleeps see its row. */
  async maintain(): Promise<void> {
    await this.#maintenance.checkCounters();
    await this.#maintenance.indexEvents();
    await this.#maintenance.run();
    await this.#work();
    this.#prune();
    await this.#armAlarm();
  }

  /** Sends what is due, then sets the alarm for what is not. Never throws for a receiver's failure. */
  override async alarm(): Promise<void> {
    if (this.#storage === null) return this.ctx.storage.deleteAll();
    this.#inAlarm = true;
    try {
      // What a running drain sends has just brought its configuration along; what waits for a retry may have an old one.
      await this.#maintenance.run({ heals: this.#isDue() && !this.#drain.isRunning });
      await this.#drainInAlarm(Date.now() + alarmDrainMs);
      // Draining may have changed the state, or given deliveries up.
      if (this.#maintenance.hasNews) await this.#maintenance.run();
      this.#prune();
      if (this.#maintenance.hasNews) await this.#maintenance.run();
    } catch (error) {
      log("error", "alarm failed", { webhook: this.#webhookUuid(), error: String(error) });
    } finally {
      this.#inAlarm = false;
    }
    await this.#armAlarm();
  }

  /** Sends until nothing is due, or what one alarm may send or the time is used up: then the next one goes on. */
  async #drainInAlarm(until: number): Promise<void> {
    this.#drain.allow(until);
    for (let waits = 0; Date.now() < until && !this.#drain.isSpent;) {
      if (this.#drain.isRunning || this.#isDue()) {
        const { sendsLeft } = this.#drain;
        const drained = Promise.race([this.#drain.run(), this.#drain.whenSpent]);
        await waitUpTo(until - Date.now(), drained);
        // What is due and was not sent must not keep the object from everything else.
        if (!this.#drain.isRunning && !this.#drain.isBlocked && this.#drain.sendsLeft === sendsLeft) return;
      } else if (this.#drain.isBlocked && waits < unwritableWaitsMax) {
        // To set an alarm would be a write, too.
        waits += 1;
        await scheduler.wait(unwritableWaitMs);
        this.#drain.tryAgain();
      } else return;
    }
  }

  // Sending

  /** All of them, or none. @returns of each its delivery, or null when it was not new. */
  #acceptAll(
    storage: LaneStorage,
    events: readonly HandoverEvent[],
    now: number,
  ): (PendingDelivery | null)[] {
    const { outbox, record } = storage;
    try {
      return this.ctx.storage.transactionSync(() => outbox.accept(events, now, record.prunedThrough));
    } catch (error) {
      // What was undone on disk must be undone in memory: or sequences would have a gap.
      outbox.reload(record.sequenceBase);
      throw error;
    }
  }

  /**
   * Starts a drain if something is due, and makes sure that an alarm stands while there is work.
   * @param options.waitMs how long the alarm may wait for a drain that is started here: who called must not be told
   *   that anything was taken before the alarm stands.
   */
  async #work({ waitMs = 0 } = {}): Promise<void> {
    this.#tellPages();
    this.#drain.allow(Date.now() + acceptDrainMs);
    if (this.#drain.isRunning) {
      this.#drain.wake();
    } else if (this.#isDue()) {
      const drained = this.#drain
        .run()
        .then(() => this.#armAlarm())
        .catch((error) =>
          log("error", "drain failed", { webhook: this.#webhookUuid(), error: String(error) }),
        );
      this.ctx.waitUntil(drained);
      if (waitMs > 0) await waitUpTo(waitMs, drained);
    }
    if (!this.#drain.isRunning) this.#sender.rest();
    await this.#armAlarm();
  }

  /** What goes wrong there is no failure of the lane's. */
  #tellPages(): void {
    try {
      this.#live.changed();
    } catch (error) {
      log("warn", "pages not told", { webhook: this.#webhookUuid(), error: String(error) });
    }
  }

  #prune(): void {
    try {
      if (!this.#drain.isBlocked) this.#maintenance.prune();
    } catch (error) {
      log("error", "pruning failed", { webhook: this.#webhookUuid(), error: String(error) });
    }
  }

  // Changing

  async #changeState(change: typeof pause): Promise<LaneState | null> {
    const storage = this.#storage;
    if (storage === null) return null;
    change(storage, Date.now());
    await this.#maintenance.run();
    await this.#work();
    return storage.record.state;
  }

  // The alarm

  #isDue(): boolean {
    const at = this.#drain.nextAt(Date.now());
    return at !== null && at <= Date.now();
  }

  /** When the lane must be woken, in ms, or null. While it sends, soon: in case that it is cut. */
  #wakeAt(now: number): number | null {
    if (this.#storage === null) {
      const { closedAt } = new LaneRecordStore(this.ctx.storage.sql).get();
      return closedAt === null ? null : closedAt + tombstoneMs;
    }
    const times = [this.#drainAt(now), this.#maintenance.wakeAt].filter((time) => time !== null);
    // An alarm set for this very moment from inside an alarm can be lost.
    return times.length === 0 ? null : Math.max(Math.min(...times), now + 1);
  }

  #drainAt(now: number): number | null {
    if (!this.#drain.isRunning) return this.#drain.nextAt(now);
    return this.#drain.isSpent ? now : now + safetyNetMs;
  }

  /**
   * The only place that sets the alarm: computed anew from what waits, and an earlier one that stands is left alone
   * (each setting is a row written). While the alarm itself runs nothing is set: it does so at its end, and the platform
   * repeats one that was cut.
   */
  async #armAlarm(): Promise<void> {
    if (this.#inAlarm) return;
    const standing = await this.ctx.storage.getAlarm();
    const now = Date.now();
    const at = this.#wakeAt(now);
    const isStanding = standing !== null && standing > now - lostAlarmMs;
    if (at !== null && !(isStanding && standing <= at)) await this.ctx.storage.setAlarm(at);
  }

  #webhookUuid(): string | undefined {
    return this.#storage?.record.config?.webhook.uuid;
  }
}
