/** The cron of wrangler.toml, kept locally: `wrangler dev` has a path for it and never calls that itself. */
import { setTimeout as wait } from "node:timers/promises";
import { messageOf } from "./command-line.ts";

/** The only schedule: every minute. */
const cron = "* * * * *";
const everyMs = 60_000;

/**
 * Runs the schedule now, since queues that live in memory are empty after a start, and then every minute until
 * `signal` aborts.
 */
export async function keepCron(gatewayUrl: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await runScheduled(gatewayUrl, signal);
    await wait(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

/** A run that fails is reported; the next one makes good for it. */
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
