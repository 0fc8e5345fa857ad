/** A cache of one value per isolate, shared by all requests. */

/** How often a waiting request checks whether the read of another request has finished. */
const pollMs = 20;
/** A read that takes longer may have been cancelled with its request: the next request then reads as well. */
const readTimeoutMs = 5000;

/**
 * Caches the result of `read` in this isolate.
 * @param ttlMs how long a result is used, in ms.
 * @returns a function that gives the cached value, or reads it. Concurrent requests wait for the read that is under way
 *   by polling: they do not await its promise, which never settles if its request is cancelled.
 * @throws what `read` throws. A failure is not cached.
 */
export function cached<Read>(ttlMs: number, read: (env: Env) => Promise<Read>): (env: Env) => Promise<Read> {
  let latest: { value: Read; at: number } | null = null;
  let startedAt: number | null = null;

  const isBeingRead = () => startedAt !== null;
  const fresh = () => (latest !== null && isWithin(ttlMs, latest.at) ? latest : null);

  return async (env) => {
    for (let ms = 0; fresh() === null && isBeingRead() && ms < readTimeoutMs; ms += pollMs) {
      await scheduler.wait(pollMs);
    }
    const hit = fresh();
    if (hit !== null) return hit.value;
    const at = Date.now();
    startedAt = at;
    try {
      const value = await read(env);
      latest = { value, at };
      return value;
    } finally {
      if (startedAt === at) startedAt = null;
    }
  };
}

/** Whether `since` is less than `ms` ago. False for a time in the future, which occurs after the clock was set back. */
function isWithin(ms: number, since: number): boolean {
  const age = Date.now() - since;
  return age >= 0 && age < ms;
}
