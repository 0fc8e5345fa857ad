/**
 * The lane of one webhook: it numbers the webhook's deliveries, keeps them on disk and sends them in order.
 * A shell: SQL is in the outbox, what may go now in the lines, HTTP in the sender.
 */
import { DurableObject } from "cloudflare:workers";
import { readConfig } from "../config";
import { log } from "../log";
import { unseal } from "../sealing";
import { deliveryUuid } from "./delivery-uuid";
import type { AcceptResult, Handover, LaneConfig } from "./handover";
import { LaneRecordStore } from "./lane-record";
import { Lines } from "./lines";
import { deliveryStatus, Outbox, type Outgoing } from "./outbox";
import { retryDelayMs } from "./retry-policy";
import { createSender, type Sender, type Sent } from "./sender";
import { readLaneConfig } from "../db/lane-configs";

/** A drain that `accept` starts: an object that only does this is evicted after about 70 s. */
const acceptDrainMs = 10_000;
/** A drain that the alarm awaits: an alarm may run for 15 minutes. */
const alarmDrainMs = 600_000;
/** When the alarm stands while a drain runs: it takes over if the drain is cut. */
const safetyNetMs = 10_000;
/** How long a lane waits after a failure of our own before it tries again. */
const ownFailurePauseMs = 60_000;
/** How long a closed lane remembers that it is closed: a slow dispatch may still call. */
const tombstoneMs = 86_400_000;
/** How many finished deliveries go by before the low water is written. */
const lowWaterEvery = 100;
const scanChunk = 100;

type Work = { outbox: Outbox; lines: Lines };

export class WebhookLane extends DurableObject<Env> {
  #record: LaneRecordStore;
  #work: Work;
  #draining: Promise<void> | undefined;
  #inAlarm = false;
  #finishedSinceLowWater = 0;
  #sender: { version: number; sender: Promise<Sender> } | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#record = new LaneRecordStore(ctx.storage.sql);
    this.#work = this.#open();
  }

  /**
   * Takes events in at the end of the line. When it returns `accepted`, they are on disk and an alarm stands;
   * sending has begun but is not waited for. A call that is repeated takes nothing twice (`maybeKnown`).
   */
  async accept({ config, events }: Handover): Promise<AcceptResult> {
    if (this.#isClosed()) return { outcome: "gone" };
    this.#adopt(config);
    const { outbox, lines } = this.#work;
    const before = outbox.lastSequence;
    const now = Date.now();
    const fresh = events.map((event) => outbox.accept(event, now));
    if (!fresh.includes(true)) return { outcome: "accepted", fresh };
    if (lines.scannedTo === before && lines.hasRoom) this.#scan();
    this.#startDrain();
    await this.#armAlarm();
    return { outcome: "accepted", fresh };
  }

  /** Takes a changed configuration: the next attempt goes by it. An older one than the lane has is ignored. */
  async configure(config: LaneConfig): Promise<void> {
    if (!this.#isClosed()) this.#adopt(config);
  }

  /** Ends everything and frees the storage. What is under way is not recorded any more. */
  async close(): Promise<void> {
    this.#record.set({ closedAt: Date.now() });
    await this.ctx.storage.deleteAll();
    this.#record = new LaneRecordStore(this.ctx.storage.sql);
    this.#record.set({ config: null, closedAt: Date.now() });
    await this.ctx.storage.setAlarm(Date.now() + tombstoneMs);
  }

  /** Sends what is due, then sets the alarm for what is not. Never throws for a receiver's failure. */
  override async alarm(): Promise<void> {
    if (this.#isClosed()) return this.ctx.storage.deleteAll();
    this.#inAlarm = true;
    try {
      await this.#healConfig();
      const until = Date.now() + alarmDrainMs;
      while ((this.#draining || this.#isDue()) && Date.now() < until) await this.#drain(until);
    } catch (error) {
      log("error", "alarm failed", { ...this.#logFields(), error: String(error) });
    } finally {
      this.#inAlarm = false;
    }
    await this.#armAlarm();
  }

  #open(): Work {
    const outbox = new Outbox(this.ctx.storage.sql, 0);
    return { outbox, lines: new Lines(this.#record.get().lowWater) };
  }

  #isClosed(): boolean {
    return this.#record.get().closedAt !== null;
  }

  #adopt(config: LaneConfig): void {
    const current = this.#record.get().config;
    if (current === null || config.version > current.version) this.#record.set({ config });
  }

  /** Reads the webhook's row once per alarm run: a change that reached D1 and not the lane arrives here. */
  async #healConfig(): Promise<void> {
    const current = this.#record.get().config;
    if (current === null) return;
    const stored = await readLaneConfig(this.env.DB, current.webhook.uuid);
    if (stored !== null && !this.#isClosed()) this.#adopt(stored);
  }

  // Draining

  #startDrain(): void {
    const drained = this.#drain(Date.now() + acceptDrainMs).then(() => this.#armAlarm());
    this.ctx.waitUntil(
      drained.catch((error) => log("error", "drain failed", { ...this.#logFields(), error: String(error) })),
    );
  }

  /** One drain at a time: whoever comes second waits for the first. */
  #drain(until: number): Promise<void> {
    this.#draining ??= this.#sendUntil(until).finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  async #sendUntil(until: number): Promise<void> {
    while (Date.now() < until && !this.#isClosed()) {
      const sequence = this.#takeNext();
      if (sequence === null) return;
      await this.#deliver(sequence);
    }
  }

  #takeNext(): number | null {
    const { lines, outbox } = this.#work;
    if (lines.wantsMore && lines.scannedTo < outbox.lastSequence) this.#scan();
    return lines.take(Date.now());
  }

  #scan(): void {
    const { lines, outbox } = this.#work;
    const found = outbox.waitingAfter(lines.scannedTo, scanChunk);
    lines.add(found, found.length < scanChunk ? outbox.lastSequence : (found.at(-1)?.sequence ?? 0));
  }

  async #deliver(sequence: number): Promise<void> {
    const { lines, outbox } = this.#work;
    const outgoing = outbox.load(sequence);
    if (outgoing === null || outgoing.status !== deliveryStatus.pending) return lines.finish(sequence);
    let sent: Sent & { configVersion: number };
    try {
      sent = await this.#send(outgoing);
    } catch (error) {
      // Ours, before the attempt: the receiver has seen nothing, and nothing counts.
      log("error", "delivery not sent", { ...this.#logFields(), sequence, error: String(error) });
      return lines.hold(sequence, Date.now() + ownFailurePauseMs);
    }
    if (this.#isClosed()) return;
    try {
      this.#recordResult(outgoing, sent);
    } catch (error) {
      // Ours, after the attempt: never a reason to send again at once.
      log("error", "attempt not recorded", { ...this.#logFields(), sequence, error: String(error) });
      lines.hold(sequence, Date.now() + ownFailurePauseMs);
    }
  }

  async #send(outgoing: Outgoing): Promise<Sent & { configVersion: number }> {
    const config = this.#record.get().config;
    if (config === null) throw new Error("The lane has deliveries and no configuration.");
    const sender = await this.#senderFor(config);
    const sent = await sender.send({
      deliveryUuid: deliveryUuid(config.webhook.uuid, outgoing.sequence),
      eventType: outgoing.eventType,
      event: outgoing.event,
      place: { sequence: outgoing.sequence, attempt: outgoing.attempts + 1 },
    });
    return { ...sent, configVersion: config.version };
  }

  #senderFor(config: LaneConfig): Promise<Sender> {
    if (this.#sender?.version !== config.version) {
      const sender = this.#createSender(config);
      this.#sender = { version: config.version, sender };
      // A failure is not kept: the next attempt tries anew.
      sender.catch(() => (this.#sender = undefined));
    }
    return this.#sender.sender;
  }

  async #createSender(config: LaneConfig): Promise<Sender> {
    const { encryptionKeys, allowPrivateTargets } = readConfig(this.env);
    const settings = await unseal(encryptionKeys, config.webhook.uuid, config.sealed);
    return createSender({ webhook: config.webhook, settings, allowPrivateTargets });
  }

  #recordResult(outgoing: Outgoing, sent: Sent & { configVersion: number }): void {
    const { lines, outbox } = this.#work;
    const { sequence } = outgoing;
    const attempts = outgoing.attempts + 1;
    const delivered = sent.result.error === null;
    const nextAttemptAt = delivered ? null : Date.now() + retryDelayMs(attempts, Math.random());
    outbox.record(sequence, sent, sent.result, {
      status: delivered ? deliveryStatus.delivered : deliveryStatus.pending,
      nextAttemptAt,
    });
    if (nextAttemptAt === null) lines.finish(sequence);
    else lines.hold(sequence, nextAttemptAt);
    this.#logAttempt(outgoing, sent);
    if (delivered) this.#raiseLowWater();
  }

  #raiseLowWater(): void {
    this.#finishedSinceLowWater += 1;
    if (this.#finishedSinceLowWater < lowWaterEvery) return;
    this.#finishedSinceLowWater = 0;
    this.#record.set({ lowWater: this.#work.lines.lowWater() });
  }

  // The alarm

  #isDue(): boolean {
    if (this.#isClosed()) return false;
    const at = this.#nextAttemptAt();
    return at !== null && at <= Date.now();
  }

  /** When something is to be sent next, in ms; null when nothing waits (or all that waits is under way). */
  #nextAttemptAt(): number | null {
    const { lines, outbox } = this.#work;
    if (lines.wantsMore && lines.scannedTo < outbox.lastSequence) return 0;
    return lines.nextAt();
  }

  /** When the lane must be woken, in ms, or null. While it sends, soon: in case that it is cut. */
  #wakeAt(): number | null {
    const at = this.#draining ? Date.now() + safetyNetMs : this.#nextAttemptAt();
    // An alarm set for this very moment from inside an alarm can be lost.
    return at === null ? null : Math.max(at, Date.now() + 1);
  }

  /**
   * The only place that sets the alarm: it is computed anew from what waits, and an earlier one that stands is
   * left alone (each setting is a row written). While the alarm itself runs nothing is set: it does so at its
   * end, and the platform repeats one that was cut.
   */
  async #armAlarm(): Promise<void> {
    if (this.#inAlarm) return;
    const standing = await this.ctx.storage.getAlarm();
    if (this.#isClosed()) return;
    const at = this.#wakeAt();
    if (at !== null && (standing === null || standing > at)) await this.ctx.storage.setAlarm(at);
  }

  // The log

  #logFields(): Record<string, unknown> {
    return { webhook: this.#record.get().config?.webhook.uuid };
  }

  #logAttempt(outgoing: Outgoing, { result }: Sent): void {
    log(result.error === null ? "info" : "warn", "attempt", {
      ...this.#logFields(),
      sequence: outgoing.sequence,
      event: outgoing.eventUuid,
      type: outgoing.eventType,
      attempt: outgoing.attempts + 1,
      status: result.status,
      error: result.error,
      duration_ms: result.durationMs,
    });
  }
}
