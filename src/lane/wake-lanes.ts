/**
 * Opening lanes again that ended because a write failed, such as on a full disk. While the disk is full, an object cannot
 * even be opened, and the platform waits longer and longer before it runs its alarm again: 2, 4, 9, 18, 33, 76 s. So cron
 * tries to open such lanes every two seconds, and each sends again within seconds of there being room.
 *
 * It knows only lanes that ran in its own isolate: on one machine all of them. On Cloudflare few do, and the platform, which
 * looks after its disks, runs their alarms again.
 */
import { forEachConcurrent } from "../platform/concurrency";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";
import { laneOf } from "./lane-of";
import { lanesWithFailedWrites } from "./storage-check";

const lookMs = 2000;
const lanesAtOnce = 10;

/**
 * Opens these lanes, again and again until all are open, or for about `ms`, also when the clock stands still or goes back.
 * Never throws for a lane that stays closed.
 */
export async function wakeLanes(env: Env, ms: number): Promise<void> {
  const until = Date.now() + ms;
  for (let waitedMs = 0; ; waitedMs += lookMs) {
    const failed = lanesWithFailedWrites(Date.now());
    if (failed.length === 0) return;
    await forEachConcurrent(lanesAtOnce, failed, (uuid) => wake(env, uuid));
    if (waitedMs + lookMs >= ms || Date.now() + lookMs >= until) return;
    await scheduler.wait(lookMs);
  }
}

async function wake(env: Env, uuid: string): Promise<void> {
  try {
    await withTimeout(laneOf(env, uuid).wake());
    log("info", "lane opened again after a write that failed", { webhook: uuid });
  } catch (error) {
    log("warn", "lane cannot be opened", { webhook: uuid, error: String(error) });
  }
}
