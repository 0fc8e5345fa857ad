/**
 * The maintenance of a lane: it reads changes of its webhook from D1, reports its state there, announces trouble, and
 * removes old data.
 */
import { readConfig } from "../platform/config";
import { readStoredWebhook, writeLaneEmpty, writeLaneReport } from "./lane-state";
import { log } from "../platform/log";
import { noteRecovery, recoveryAt } from "./lane-health";
import type { LaneStorage, OpenLane } from "./lane-storage";
import { dayToPrune, pruneDay } from "./retention";

/** When maintenance that failed is tried again. */
const retryMs = 60_000;
const dayMs = 86_400_000;

/** The most steps of pruning in one wake-up. */
const pruneStepsMax = 5;
/** When pruning goes on in another wake-up. */
const pruneAgainMs = 1000;

/** The parts of a lane that maintenance needs. */
type MaintainedLane = OpenLane & {
  /** Closes the lane, after the webhook was deleted. */
  close(): Promise<void>;
  /** False after a write to storage failed, until one succeeds. */
  isWritable(): boolean;
};

/** The maintenance of one lane. */
export class Maintenance {
  readonly #lane: MaintainedLane;
  #notBefore = 0;
  /** Whether the last call of `prune` left something to remove. */
  #isPruning = false;
  /** Resolved when the latest report to D1, and all before it, have ended. */
  #reported: Promise<void> = Promise.resolve();

  constructor(lane: MaintainedLane) {
    this.#lane = lane;
  }

  /**
   * Whether a report or an announcement is pending. A lane without a configuration does not know its webhook, and has
   * none.
   */
  get hasNews(): boolean {
    const storage = this.#lane.storage();
    if (!storage?.record.config) return false;
    return !storage.record.copiedToD1 || storage.announcements.waiting;
  }

  /** When the lane must be woken for maintenance, in ms (in the past: at once); null when none is pending. */
  get wakeAt(): number | null {
    const now = Date.now();
    const times = [this.#newsAt(now), this.#isPruning ? now + pruneAgainMs : null];
    const pending = times.filter((time) => time !== null);
    return pending.length === 0 ? null : Math.min(...pending);
  }

  #newsAt(now: number): number | null {
    // The clock may have been set back.
    if (this.hasNews) return Math.min(this.#notBefore, now + retryMs);
    const storage = this.#lane.storage();
    return storage === null ? null : recoveryAt(storage);
  }

  /**
   * Reads the configuration, reports and announces. Never throws: the alarm repeats what failed.
   * @param options.heals whether to read the webhook's row in D1, for changes that did not reach the lane.
   */
  async run({ heals = true } = {}): Promise<void> {
    try {
      if (heals) await this.#heal();
      const storage = this.#lane.storage();
      if (storage?.record.config) noteRecovery(storage, Date.now());
      await this.#inTurn(() => this.#report());
      await this.#announce();
    } catch (error) {
      this.#notBefore = Date.now() + retryMs;
      const webhook = this.#lane.storage()?.record.config?.webhook.uuid;
      log("error", "maintenance failed", { webhook, error: String(error) });
    }
  }

  /** Notes for the next report that the lane has deliveries, if D1 has the opposite: cron calls only lanes in use. */
  noteUse(): void {
    const storage = this.#lane.storage();
    if (storage === null || storage.record.isInUse || storage.days.all.length === 0) return;
    storage.checkpoint({ isInUse: true, copiedToD1: false });
  }

  /**
   * Reports to D1 that the lane has no deliveries, if so. Never throws: cron's next call repeats it after a failure.
   */
  async reportEmpty(): Promise<void> {
    const storage = this.#lane.storage();
    const config = storage?.record.config;
    if (!storage || !config || storage.days.all.length > 0) return;
    // The record changes before D1 does, so that events accepted meanwhile cause another report after this one.
    if (storage.record.isInUse) storage.setRecord({ isInUse: false });
    try {
      await this.#inTurn(() => writeLaneEmpty(this.#lane.env.DB, config.webhook.uuid));
    } catch (error) {
      log("warn", "empty lane not reported", { webhook: config.webhook.uuid, error: String(error) });
    }
  }

  /** Reads the webhook's row, for a change or a deletion that is in D1 but did not reach the lane. */
  async #heal(): Promise<void> {
    const config = this.#lane.storage()?.record.config;
    if (!config) return;
    const stored = await readStoredWebhook(this.#lane.env.DB, config.webhook.uuid);
    const storage = this.#lane.storage();
    if (stored === null || storage === null) return;
    if (stored.deleted) return this.#lane.close();
    storage.adoptStored(stored.config);
    if (stored.state !== storage.record.state) storage.checkpoint({ copiedToD1: false });
  }

  /** Runs reports to D1 one after another: of two concurrent ones, the older could reach D1 last. */
  #inTurn(report: () => Promise<void>): Promise<void> {
    const reported = this.#reported.then(report);
    // The caller gets the failure, and the next report runs all the same.
    this.#reported = reported.catch(() => undefined);
    return reported;
  }

  async #report(): Promise<void> {
    const storage = this.#lane.storage();
    if (!storage?.record.config || storage.record.copiedToD1) return;
    const { state, disabledReason, isInUse, config } = storage.record;
    const deadLetters = storage.counters.dead;
    const report = { state, disabledReason, deadLetters, isInUse };
    await writeLaneReport(this.#lane.env.DB, config.webhook.uuid, report);
    const { record, counters } = storage;
    const isSame = record.state === state && counters.dead === deadLetters && record.isInUse === isInUse;
    if (isSame && this.#lane.storage() !== null) storage.checkpoint({ copiedToD1: true });
  }

  async #announce(): Promise<void> {
    for (;;) {
      const storage = this.#lane.storage();
      const announcement = storage?.announcements.first();
      const config = storage?.record.config;
      if (!storage || !announcement || !config) return;
      await this.#lane.events.publish(announcement, config.webhook.uuid);
      if (this.#lane.storage() === null) return;
      storage.announcements.published(announcement.id);
    }
  }

  /** Corrects the counters according to the rows, in steps between which deliveries continue. */
  async checkCounters(): Promise<void> {
    const storage = this.#lane.storage();
    if (storage === null) return;
    const check = storage.beginCounterCheck();
    for (;;) {
      const counted = check.step(storage.outbox.lastSequence);
      if (counted !== null) return this.#repairCounters(storage, counted);
      await scheduler.wait(0);
      // Rows were removed meanwhile: the next check starts from the beginning.
      if (this.#lane.storage() === null || !storage.outbox.isChecking(check)) return;
    }
  }

  /** Indexes the events of a lane of an earlier version, in steps between which deliveries continue. */
  async indexEvents(): Promise<void> {
    for (;;) {
      const storage = this.#lane.storage();
      if (storage === null || !storage.seenEvents.indexMore(storage.outbox.lastSequence)) return;
      await scheduler.wait(0);
    }
  }

  #repairCounters(storage: LaneStorage, counted: { waiting: number; dead: number }): void {
    const wrong = storage.repairCounters(counted);
    if (wrong === null) return;
    log("error", "counters were wrong", { webhook: storage.record.config?.webhook.uuid, ...wrong });
  }

  /**
   * Removes data that is past its retention time, in a bounded number of steps. If there is more, another wake-up
   * follows (`wakeAt`). Runs after sending, and only while writes to storage succeed. Never throws.
   */
  prune(): void {
    this.#isPruning = false;
    try {
      if (this.#lane.isWritable()) this.#isPruning = this.#pruneSteps();
    } catch (error) {
      const webhook = this.#lane.storage()?.record.config?.webhook.uuid;
      log("error", "pruning failed", { webhook, error: String(error) });
    }
  }

  /** @returns whether there is more to remove. */
  #pruneSteps(): boolean {
    const storage = this.#lane.storage();
    if (storage === null) return false;
    const { deliveryDays, deadLetterDays } = readConfig(this.#lane.env);
    const retention = { deliveredMs: deliveryDays * dayMs, deadMs: deadLetterDays * dayMs };
    const now = Date.now();
    for (let steps = 0; steps < pruneStepsMax; steps++) {
      const day = dayToPrune(storage, now, retention);
      if (day === null) return false;
      this.#lane.atomically(() => pruneDay(storage, day, { now, retention }));
    }
    return dayToPrune(storage, now, retention) !== null;
  }
}
