/** Waiting with a limit. */

/** Calls that take longer count as failed. */
const patienceMs = 5000;

/** @returns what `answer` comes to. @throws its error, or after 5 s one that says so. */
export async function withTimeout<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${patienceMs} ms`)), patienceMs);
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for `work`, but not longer than `ms`. No timer is left: an object that has one is billed as awake. */
export async function waitUpTo(ms: number, work: Promise<void>): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, over]);
  clearTimeout(timer);
}
