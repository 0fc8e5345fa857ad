/** Calls the Worker's scheduled handler, because a local gateway has no cron triggers. */
import { createHmac } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { messageOf } from "./command-line.ts";

/** The only schedule: every minute. */
const everyMinute = "* * * * *";
const everyMs = 60_000;
/** The timeout of a stop order. The Worker waits up to 5 s for attempts under way. */
export const stopTimeoutMs = 10_000;

/**
 * Runs the scheduled tasks now, because local queues are empty after a start and cron hands over what they had, and then
 * every minute until `signal` aborts. Failures are printed: the next run repeats the tasks.
 * @param schedule calls the handler. It rejects when the tasks fail.
 */
export async function runEveryMinute(
  schedule: (cron: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const next = Date.now() + everyMs;
    try {
      await schedule(everyMinute);
    } catch (error) {
      if (!signal.aborted) console.error(`The scheduled tasks failed: ${messageOf(error)}`);
    }
    await wait(Math.max(next - Date.now(), 0), undefined, { signal }).catch(() => undefined);
  }
}

/**
 * @param token the local API token: a web page that knows the gateway's address cannot stop it.
 * @returns the schedule that makes the Worker start no more attempts and wait for those under way.
 */
export function stopOrder(token: string): string {
  return `stop ${createHmac("sha256", token).update("stop").digest("hex")}`;
}

/** Orders a gateway under `wrangler dev` to stop sending. Never throws. */
export async function stopSendingOver(gatewayUrl: string, token: string): Promise<void> {
  try {
    await callSchedule(gatewayUrl, stopOrder(token), AbortSignal.timeout(stopTimeoutMs));
  } catch (error) {
    console.error(`Attempts under way may be cut: ${messageOf(error)}`);
  }
}

/**
 * Calls the endpoint that `wrangler dev` has for schedules.
 * @throws {Error} with the outcome when the handler fails.
 */
export async function callSchedule(gatewayUrl: string, cron: string, signal: AbortSignal): Promise<void> {
  const url = `${gatewayUrl}/cdn-cgi/local/scheduled?${new URLSearchParams({ cron }).toString()}`;
  const response = await fetch(url, { signal });
  const outcome = await response.text();
  if (!response.ok) throw new Error(outcome);
}
