/** Reading what many requests want to know, and not for each of them. */

/** How often a request looks whether another one has read meanwhile. */
const pollMs = 20;
/** A read that takes longer may have been cut off with its request: the next one reads, too. */
const patienceMs = 5000;

/**
 * Remembers what was read, in this isolate.
 * @param keptMs for how long.
 * @returns reads, or gives what was read less than `keptMs` before. Requests that come while one reads wait for that. Its
 *   promise is not handed to them: with its request it may be cancelled, and never settle. What throws is not remembered.
 */
export function cached<Read>(keptMs: number, read: (env: Env) => Promise<Read>): (env: Env) => Promise<Read> {
  let latest: { value: Read; at: number } | null = null;
  let startedAt: number | null = null;

  const isBeingRead = () => startedAt !== null;
  const fresh = () => (latest !== null && isWithin(keptMs, latest.at) ? latest : null);

  return async (env) => {
    for (let ms = 0; fresh() === null && isBeingRead() && ms < patienceMs; ms += pollMs) {
      await scheduler.wait(pollMs);
    }
    const known = fresh();
    if (known !== null) return known.value;
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

/** Also when clocks were put back. */
function isWithin(ms: number, since: number): boolean {
  const age = Date.now() - since;
  return age >= 0 && age < ms;
}
