/** The alarm of a lane: when it is set, and what it does. No other code sets it. */
import { log } from "../platform/log";
import { waitUpTo } from "../platform/timeouts";
import type { Drain } from "./drain";
import { LaneRecordStore } from "./lane-record";
import type { LaneStorage } from "./lane-storage";
import type { Maintenance } from "./maintenance";

/** How long one alarm sends. The platform allows 15 minutes. */
const drainMs = 600_000;
/** How far ahead the alarm is set while a drain runs, to take over if the drain is cut off. */
const safetyNetMs = 10_000;
/** How often the alarm tries again while writes to storage fail, before it leaves that to the next alarm. */
const unwritableWaitMs = 2000;
const unwritableWaitsMax = 250;
/** An alarm that should have fired this long ago counts as lost. */
const lostAlarmMs = 60_000;
/** How long a closed lane remembers that it is closed, because a slow dispatch may still call it. */
const tombstoneMs = 86_400_000;

/** The parts of a lane that the alarm needs. `storage`: null once the webhook was deleted. */
type AlarmedLane = {
  ctx: DurableObjectState;
  storage(): LaneStorage | null;
  drain: Drain;
  maintenance: Maintenance;
};

/** The alarm of one lane. */
export class LaneAlarm {
  readonly #lane: AlarmedLane;
  #isRunning = false;

  constructor(lane: AlarmedLane) {
    this.#lane = lane;
  }

  /** Sends the deliveries that are due, then sets the next alarm. Never throws for a failure of the receiver. */
  async run(): Promise<void> {
    const lane = this.#lane;
    if (lane.storage() === null) return lane.ctx.storage.deleteAll();
    this.#isRunning = true;
    try {
      await this.#work();
    } catch (error) {
      const webhook = lane.storage()?.record.config?.webhook.uuid;
      log("error", "alarm failed", { webhook, error: String(error) });
    } finally {
      this.#isRunning = false;
    }
    await this.arm();
  }

  /**
   * Sets the alarm for the next time at which work is due. An alarm with an earlier time is kept, because setting one
   * writes a row. While the alarm itself runs, nothing is set: `run` does so at its end, and the platform repeats an
   * alarm that was cut off.
   */
  async arm(): Promise<void> {
    if (this.#isRunning) return;
    const { storage } = this.#lane.ctx;
    const standing = await storage.getAlarm();
    const now = Date.now();
    const at = this.#nextAt(now);
    const isStanding = standing !== null && standing > now - lostAlarmMs;
    if (at !== null && !(isStanding && standing <= at)) await storage.setAlarm(at);
    const { drain } = this.#lane;
    if (!drain.isUnconfirmed) return;
    await storage.sync();
    drain.noteOnDisk();
  }

  async #work(): Promise<void> {
    const { drain, maintenance } = this.#lane;
    const until = Date.now() + drainMs;
    drain.allow(until);
    // The configuration is read from D1 before retries only: a running drain sends events that were just accepted, and
    // they brought the version of their configuration.
    await maintenance.run({ heals: drain.isDue() && !drain.isRunning });
    await this.#drain(until);
    // The drain may have changed the state, or given up deliveries.
    if (maintenance.hasNews) await maintenance.run();
    maintenance.prune();
    if (maintenance.hasNews) await maintenance.run();
  }

  /** Sends until nothing is due, or until the time or the number of sends of one alarm is used up. */
  async #drain(until: number): Promise<void> {
    const { drain } = this.#lane;
    for (let waits = 0; Date.now() < until && !drain.isSpent;) {
      if (drain.isRunning || drain.isDue()) {
        const { sendsLeft } = drain;
        await waitUpTo(until - Date.now(), Promise.race([drain.run(), drain.whenSpent]));
        // Nothing was sent although a delivery is due: trying again at once would block other calls of the object.
        if (!drain.isRunning && !drain.isBlocked && drain.sendsLeft === sendsLeft) return;
      } else if (drain.isBlocked && waits < unwritableWaitsMax) {
        // It waits here, because setting an alarm would need a write.
        waits += 1;
        await scheduler.wait(unwritableWaitMs);
        drain.tryAgain();
      } else return;
    }
  }

  /** @returns when the lane must be woken, in ms, or null. While it sends, that is soon, in case it is cut off. */
  #nextAt(now: number): number | null {
    if (this.#lane.storage() === null) {
      const { closedAt } = new LaneRecordStore(this.#lane.ctx.storage.sql).get();
      return closedAt === null ? null : closedAt + tombstoneMs;
    }
    const times = [this.#drainAt(now), this.#lane.maintenance.wakeAt].filter((time) => time !== null);
    // An alarm set for this very moment from inside an alarm can be lost.
    return times.length === 0 ? null : Math.max(Math.min(...times), now + 1);
  }

  #drainAt(now: number): number | null {
    const { drain } = this.#lane;
    if (!drain.isRunning) return drain.nextAt(now);
    return drain.isSpent ? Math.max(now, drain.pausedUntil) : now + safetyNetMs;
  }
}
