/** Runs the cron trigger of wrangler.toml locally: `wrangler dev` has an endpoint for it and never calls it itself. */
import { setTimeout as wait } from "node:timers/promises";
import { messageOf } from "./command-line.ts";

/** The only schedule: every minute. */
const cron = "* * * * *";
const everyMs = 60_000;

/**
 * Runs the scheduled tasks now, because local queues are empty after a start and cron hands over what they had, and then
 * every minute until `signal` aborts. Failures are printed.
 */
export async function runCron(gatewayUrl: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await runScheduled(gatewayUrl, signal);
    await wait(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

/** A failure is printed only: the next run repeats the tasks. */
async function runScheduled(gatewayUrl: string, signal: AbortSignal): Promise<void> {
  const url = `${gatewayUrl}/cdn-cgi/local/scheduled?${new URLSearchParams({ cron })}`;
  try {
    const response = await fetch(url, { signal });
    const outcome = await response.text();
    if (!response.ok) console.error(`The scheduled tasks ended with: ${outcome}`);
  } catch (error) {
    if (!signal.aborted) console.error(`The scheduled tasks could not run: ${messageOf(error)}`);
  }
}
