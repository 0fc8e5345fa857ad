/** `vi.waitFor` for a machine of any speed. Vitest's own puts a stopped clock forward with each look, so that slow tests see other times. */
const { setTimeout: realTimeout } = globalThis;
const now = performance.now.bind(performance);

/** So long that only a hang reaches it. */
const patienceMs = 300_000;
/** Between two looks, at first: what looks takes the time of what it waits for. */
const firstIntervalMs = 5;
const lastIntervalMs = 80;

/**
 * Calls `callback` until it neither throws nor rejects, in real time; a clock that the test holds stands still.
 * @returns what it gave. @throws its last error after five minutes.
 */
export async function waitFor<Result>(callback: () => Result | Promise<Result>): Promise<Result> {
  const end = now() + patienceMs;
  for (let intervalMs = firstIntervalMs; ; intervalMs = Math.min(intervalMs * 1.3, lastIntervalMs)) {
    try {
      return await callback();
    } catch (error) {
      if (now() > end) throw error;
    }
    await new Promise<void>((resolve) => {
      realTimeout(resolve, intervalMs);
    });
  }
}
