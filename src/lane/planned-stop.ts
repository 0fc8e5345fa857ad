/**
 * A planned stop of this process, for all its lanes: attempts under way are finished and recorded, and no new ones begin. Only
 * `npm start` stops so; on Cloudflare nobody can request it (`src/scheduled.ts`).
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
  // Polling instead of a promise: the attempts belong to other invocations, and a cancelled one would never resolve it.
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
