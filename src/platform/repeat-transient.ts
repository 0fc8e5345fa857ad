/** D1 has transient failures, several times a day: what may be repeated is. */
import { RequestError } from "./errors";

/** So often something is tried, with a pause that grows. */
const triesMax = 3;
const pauseMs = 100;

/** @throws what `task` threw last, or what no repeat can help against. */
export async function repeatTransient<Result>(task: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await task();
    } catch (error) {
      if (tries === triesMax || !isTransient(error)) throw error;
      await scheduler.wait(pauseMs * tries);
    }
  }
}

/** Whether a repeat may help: not where the database refuses the change itself, nor where it is no matter of the database. */
export function isTransient(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof RequestError || cause instanceof TypeError) return false;
    if (/constraint failed/i.test(cause.message)) return false;
  }
  return true;
}
