/**
 * What a lane does beside sending: it reads changes of its webhook from D1, reports its state there, announces trouble, and
 * forgets what is past its time.
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

/** How many steps of the pruning are done in one wake-up. */
const pruneStepsMax = 5;

/** What maintenance needs of its lane. */
type MaintainedLane = OpenLane & {
  /** Ends everything: the webhook was deleted. */
  close(): Promise<void>;
  /** False after storage refused a write, until it takes one. */
  isWritable(): boolean;
};

export class Maintenance {
  readonly #lane: MaintainedLane;
  #notBefore = 0;
  /** The latest report to D1, and all before it. */
  #reported: Promise<void> = Promise.resolve();

  constructor(lane: MaintainedLane) {
    this.#lane = lane;
  }

  /** Whether something is to be reported or announced. A lane without a configuration does not know whose it is. */
  get hasNews(): boolean {
    const storage = this.#lane.storage();
    if (!storage?.record.config) return false;
    return !storage.record.copiedToD1 || storage.announcements.waiting;
  }

  /** When the lane must be woken for it, in ms (long past: at once); null when nothing is to come. */
  get wakeAt(): number | null {
    if (this.hasNews) return this.#notBefore;
    const storage = this.#lane.storage();
    return storage === null ? null : recoveryAt(storage);
  }

  /**
   * Never throws: what fails is tried again by the alarm.
   * @param options.heals false where D1 need not be asked whether the webhook is still as the lane knows it.
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

  /** Has D1 told that the lane holds deliveries, when D1 was told that it does not: cron calls only lanes that do. */
  noteUse(): void {
    const storage = this.#lane.storage();
    if (storage === null || storage.record.isInUse || storage.days.all.length === 0) return;
    storage.checkpoint({ isInUse: true, copiedToD1: false });
  }

  /** Tells D1 that the lane holds nothing, if so. Never throws: a failure is made good by cron's next call. */
  async reportEmpty(): Promise<void> {
    const storage = this.#lane.storage();
    const config = storage?.record.config;
    if (!storage || !config || storage.days.all.length > 0) return;
    // Before D1 knows: what is accepted meanwhile is reported, then, behind this.
    if (storage.record.isInUse) storage.setRecord({ isInUse: false });
    try {
      await this.#inTurn(() => writeLaneEmpty(this.#lane.env.DB, config.webhook.uuid));
    } catch (error) {
      log("warn", "empty lane not reported", { webhook: config.webhook.uuid, error: String(error) });
    }
  }

  /** Reads the webhook's row: a change or a deletion that reached D1 and not the lane arrives here. */
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

  /** Reports to D1 one at a time: of two under way at once, the older one could reach D1 last, and nobody would notice. */
  #inTurn(report: () => Promise<void>): Promise<void> {
    const reported = this.#reported.then(report);
    // Its caller gets the failure: the report behind it goes on.
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

  /** Puts the counters right, where rows say otherwise: in steps, between which deliveries go on. */
  async checkCounters(): Promise<void> {
    const storage = this.#lane.storage();
    if (storage === null) return;
    const check = storage.beginCounterCheck();
    for (;;) {
      const counted = check.step(storage.outbox.lastSequence);
      if (counted !== null) return this.#repairCounters(storage, counted);
      await scheduler.wait(0);
      // Rows were removed meanwhile: the next check begins anew.
      if (this.#lane.storage() === null || !storage.outbox.isChecking(check)) return;
    }
  }

  /** Indexes the events of a lane of an earlier version, in steps, between which deliveries go on. */
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

  /** Forgets one day that is past its time, if any is: behind sending, and only while storage takes writes. Never throws. */
  prune(): void {
    try {
      if (this.#lane.isWritable()) this.#pruneDay();
    } catch (error) {
      const webhook = this.#lane.storage()?.record.config?.webhook.uuid;
      log("error", "pruning failed", { webhook, error: String(error) });
    }
  }

  #pruneDay(): void {
    const storage = this.#lane.storage();
    if (storage === null) return;
    const { deliveryDays, deadLetterDays } = readConfig(this.#lane.env);
    const retention = { deliveredMs: deliveryDays * dayMs, deadMs: deadLetterDays * dayMs };
    const now = Date.now();
    const day = dayToPrune(storage, now, retention);
    if (day === null) return;
    for (let steps = 0; steps < pruneStepsMax; steps++) {
      let isDone = false;
      this.#lane.atomically(() => (isDone = pruneDay(storage, day, { now, retention })));
      if (isDone) return;
    }
  }
}
