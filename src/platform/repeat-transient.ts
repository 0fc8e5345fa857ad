/** Repeating calls of D1 and Durable Objects that fail for a moment, which happens several times a day. */
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
      if (tries === triesMax || !isTransient(error) || isOverloaded(error)) throw error;
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

/**
 * Whether a Durable Object rejected a call because it has too many. Repeating it at once would make that worse
 * (https://developers.cloudflare.com/durable-objects/best-practices/error-handling/).
 */
export function isOverloaded(error: unknown): boolean {
  return error instanceof Error && "overloaded" in error && error.overloaded === true;
}
