/**
 * Rate limits against abuse of the API. Cloudflare counts them per location and eventually consistently, so they cannot
 * keep the exact rate of a webhook.
 */
import { RequestError } from "./errors";
import { log } from "./log";

/** The period of every limit in wrangler.toml, in seconds: a caller over a limit may retry after it. */
export const retryAfterSeconds = 60;

/**
 * Counts one request of `key`.
 * @returns whether `key` is over the limit. False when the limiter fails, so that its failure blocks nobody.
 */
export async function isOverLimit(limiter: RateLimit, key: string): Promise<boolean> {
  try {
    return !(await limiter.limit({ key })).success;
  } catch (error) {
    log("error", "rate limiter failed", { error: String(error) });
    return false;
  }
}

/**
 * Counts one request of `key`.
 * @param what is limited, for the message: "requests", "test pings".
 * @throws {RequestError} 429 with Retry-After when `key` is over the limit.
 */
export async function limitRate(limiter: RateLimit, key: string, what: string): Promise<void> {
  if (!(await isOverLimit(limiter, key))) return;
  throw new RequestError(429, `Too many ${what}. Try again in ${retryAfterSeconds} seconds.`, {
    headers: { "Retry-After": String(retryAfterSeconds) },
  });
}
