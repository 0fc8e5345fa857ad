/**
 * A planned stop of this process: attempts that are under way land, and no new ones begin. For all lanes that live in the
 * process. Only `npm start` stops so: on Cloudflare nobody can ask for it (`src/scheduled.ts`).
 */

const lookMs = 25;

const state = { isStopping: false, underWay: 0 };

/** Whether nothing more is to be sent. */
export function isStopping(): boolean {
  return state.isStopping;
}

/** An attempt is under way. @returns to be called when it has been recorded. */
export function noteUnderWay(): () => void {
  state.underWay += 1;
  return () => (state.underWay -= 1);
}

/**
 * Begins no more attempts, and waits until those that are under way are recorded, at most so long.
 * @returns how many are still under way.
 */
export async function stopSending(waitMs: number): Promise<number> {
  state.isStopping = true;
  const until = Date.now() + waitMs;
  // Not by a promise: what is under way belongs to other invocations, and one that is cancelled would never keep it.
  while (state.underWay > 0 && Date.now() < until) await scheduler.wait(lookMs);
  // What was recorded last is on disk a moment later.
  await scheduler.wait(lookMs);
  return state.underWay;
}

/** Sends again: each test begins so. */
export function resumeSending(): void {
  state.isStopping = false;
  state.underWay = 0;
}
