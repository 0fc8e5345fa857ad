/** Waiting for a lane's answer, but not for ever. */

/** A lane that takes longer has not answered. */
const patienceMs = 5000;

/** @returns what `answer` comes to. @throws its error, or after 5 s one that says so. */
export async function inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${patienceMs} ms`)), patienceMs);
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
