/**
 * Opens lanes again that ended because a write failed, for example on a full disk. While the disk is full, an object
 * cannot even be opened, and the platform waits longer and longer before it repeats the alarm: 2, 4, 9, 18, 33, 76 s.
 * Cron therefore tries to open such lanes every two seconds, so that they send again within seconds after there is
 * room.
 *
 * It knows only the lanes of its own isolate. On one machine, these are all of them. On Cloudflare they are few, but
 * there the platform manages its disks and repeats the alarms.
 */
import { forEachConcurrent } from "../platform/concurrency";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";
import { laneOf } from "./lane-of";
import { lanesWithFailedWrites } from "./storage-check";

const pollMs = 2000;
const lanesAtOnce = 10;

/**
 * Tries to open these lanes until all are open, or for about `ms`, also if the clock stands still or is set back. Never
 * throws for a lane that cannot be opened.
 */
export async function wakeLanes(env: Env, ms: number): Promise<void> {
  const until = Date.now() + ms;
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const failed = lanesWithFailedWrites(Date.now());
    if (failed.length === 0) return;
    await forEachConcurrent(lanesAtOnce, failed, (uuid) => wake(env, uuid));
    if (waitedMs + pollMs >= ms || Date.now() + pollMs >= until) return;
    await scheduler.wait(pollMs);
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
