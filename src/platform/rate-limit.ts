/** The limits against abuse. They are counted per location and eventually: no limit of a receiver's is kept by them. */
import { RequestError } from "./errors";
import { log } from "./log";

/** The period of every limit in wrangler.toml. */
export const retryAfterSeconds = 60;

/** Counts one use of `limiter` by `key`. @returns whether it was one too many. A limiter that fails limits nothing. */
export async function isOverLimit(limiter: RateLimit, key: string): Promise<boolean> {
  try {
    return !(await limiter.limit({ key })).success;
  } catch (error) {
    log("error", "rate limit not known", { error: String(error) });
    return false;
  }
}

/**
 * The same, for the API.
 * @throws {RequestError} 429 with Retry-After.
 */
export async function limitRate(limiter: RateLimit, key: string, what: string): Promise<void> {
  if (!(await isOverLimit(limiter, key))) return;
  throw new RequestError(429, `Too many ${what}. Try again in ${retryAfterSeconds} seconds.`, {
    headers: { "Retry-After": String(retryAfterSeconds) },
  });
}
