/** The one alarm of a lane: when it is set, and what it does. Nothing else sets it. */
import { log } from "../platform/log";
import { waitUpTo } from "../platform/timeouts";
import type { Drain } from "./drain";
import { LaneRecordStore } from "./lane-record";
import type { LaneStorage } from "./lane-storage";
import type { Maintenance } from "./maintenance";

/** How long one alarm sends: the platform lets it run for 15 minutes. */
const drainMs = 600_000;
/** How far ahead the alarm is set while a drain runs: it takes over if the drain is cut off. */
const safetyNetMs = 10_000;
/** While storage takes no writes, the alarm looks again so often, and then leaves it to the next one. */
const unwritableWaitMs = 2000;
const unwritableWaitsMax = 250;
/** An alarm that should have fired this long ago counts as lost. */
const lostAlarmMs = 60_000;
/** How long a closed lane remembers that it is closed: a slow dispatch may still call. */
const tombstoneMs = 86_400_000;

/** What the alarm needs of its lane. `storage`: null once the webhook was deleted. */
type AlarmedLane = {
  ctx: DurableObjectState;
  storage(): LaneStorage | null;
  drain: Drain;
  maintenance: Maintenance;
};

export class LaneAlarm {
  readonly #lane: AlarmedLane;
  #isRunning = false;

  constructor(lane: AlarmedLane) {
    this.#lane = lane;
  }

  /** Sends what is due, then sets the alarm for what is not. Never throws for a receiver's failure. */
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
   * Sets the alarm for what is due next. An alarm that is set for an earlier time is left alone, since setting one writes a
   * row. While the alarm itself runs, nothing is set: `run` does it at its end, and the platform repeats an alarm that was cut off.
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
    // A running drain sends what was just accepted, which brought its configuration along. A retry may have an old one.
    await maintenance.run({ heals: drain.isDue() && !drain.isRunning });
    await this.#drain(until);
    // Draining may have changed the state, or given deliveries up.
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
        // Nothing was sent although something is due: looking again at once would keep the object from other calls.
        if (!drain.isRunning && !drain.isBlocked && drain.sendsLeft === sendsLeft) return;
      } else if (drain.isBlocked && waits < unwritableWaitsMax) {
        // Setting an alarm instead would take a write.
        waits += 1;
        await scheduler.wait(unwritableWaitMs);
        drain.tryAgain();
      } else return;
    }
  }

  /** When the lane must be woken, in ms, or null. While it sends, soon: in case that it is cut. */
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
