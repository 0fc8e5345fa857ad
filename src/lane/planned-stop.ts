/**
 * The planned stop of this process, for all its lanes: attempts under way are finished and recorded, and no new ones
 * start. Only `npm start` uses it; on Cloudflare it cannot be requested (`src/planned-stop.ts`).
 */

const pollMs = 25;

const state = { isStopping: false, underWay: 0 };

/** Whether no more attempts may start. */
export function isStopping(): boolean {
  return state.isStopping;
}

/** Notes an attempt under way. @returns a function to call when it has been recorded. */
export function noteUnderWay(): () => void {
  state.underWay += 1;
  return () => (state.underWay -= 1);
}

/**
 * Prevents new attempts, and waits until those under way are recorded, at most `waitMs`.
 * @returns how many are still under way.
 */
export async function stopSending(waitMs: number): Promise<number> {
  state.isStopping = true;
  const until = Date.now() + waitMs;
  // Polling instead of a promise: the attempts belong to other invocations, and a cancelled one would never resolve it.
  while (state.underWay > 0 && Date.now() < until) await scheduler.wait(pollMs);
  // The last recorded result is on disk a moment later.
  await scheduler.wait(pollMs);
  return state.underWay;
}

/** Allows attempts again, for tests. */
export function resumeSending(): void {
  state.isStopping = false;
  state.underWay = 0;
}
