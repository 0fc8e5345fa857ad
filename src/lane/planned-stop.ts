/**
 * A planned stop of this process: attempts that are under way land, and no new ones begin. For all lanes that live in the
 * process. Only `npm start` stops so: on Cloudflare nobody can ask for it (`src/scheduled.ts`).
 */

const lookMs = 25;

let isAskedToStop = false;
let underWay = 0;

/** Whether nothing more is to be sent. */
export function isStopping(): boolean {
  return isAskedToStop;
}

/** An attempt is under way. @returns to be called when it has been recorded. */
export function noteUnderWay(): () => void {
  underWay += 1;
  return () => (underWay -= 1);
}

/**
 * Begins no more attempts, and waits until those that are under way are recorded, at most so long.
 * @returns how many are still under way.
 */
export async function stopSending(waitMs: number): Promise<number> {
  isAskedToStop = true;
  const until = Date.now() + waitMs;
  // Not by a promise: what is under way belongs to other invocations, and one that is cancelled would never keep it.
  while (underWay > 0 && Date.now() < until) await scheduler.wait(lookMs);
  // What was recorded last is on disk a moment later.
  await scheduler.wait(lookMs);
  return underWay;
}

/** Sends again: each test begins so. */
export function resumeSending(): void {
  isAskedToStop = false;
  underWay = 0;
}
