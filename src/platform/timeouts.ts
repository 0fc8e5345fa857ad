/** Promises with timeouts. */

/** The default timeout: a call that takes longer counts as failed. */
const timeoutMs = 5000;

/** A call took too long. Whether it was executed is unknown. */
export class TimeoutError extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
    this.name = "TimeoutError";
  }
}

/**
 * @param ms the timeout; 5,000 by default.
 * @returns the result of `call`. @throws its error, or a `TimeoutError` after `ms`. The call itself is not cancelled.
 */
export async function withTimeout<Result>(call: Promise<Result>, ms = timeoutMs): Promise<Result> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new TimeoutError(ms)), ms);
  try {
    return await Promise.race([call, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits until `work` ends, but at most `ms`. The timer is cleared, because a Durable Object with a pending timer is billed
 * as active.
 * @throws what `work` throws within that time.
 */
export async function waitUpTo(ms: number, work: Promise<void>): Promise<void> {
  const { promise: timeout, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
