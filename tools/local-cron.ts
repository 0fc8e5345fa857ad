/** Calls of the Worker's scheduled handler: `wrangler dev` has an endpoint for it and never calls it itself. */
import { createHmac } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { messageOf } from "./command-line.ts";

/** The only schedule: every minute. */
const cron = "* * * * *";
const everyMs = 60_000;
/** The Worker waits up to 5 s for attempts to land. */
const stopTimeoutMs = 10_000;

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

/**
 * Has the gateway start no more attempts, and waits until those under way have landed, up to 5 s. Never throws.
 * @param token the local API token: a web page that knows the address cannot stop a gateway.
 */
export async function stopSending(gatewayUrl: string, token: string): Promise<void> {
  const order = `stop ${createHmac("sha256", token).update("stop").digest("hex")}`;
  try {
    const response = await callSchedule(gatewayUrl, order, AbortSignal.timeout(stopTimeoutMs));
    if (!response.ok) console.error(`Attempts under way may be cut: ${await response.text()}`);
  } catch (error) {
    console.error(`Attempts under way may be cut: ${messageOf(error)}`);
  }
}

/** A failure is printed only: the next run repeats the tasks. */
async function runScheduled(gatewayUrl: string, signal: AbortSignal): Promise<void> {
  try {
    const response = await callSchedule(gatewayUrl, cron, signal);
    const outcome = await response.text();
    if (!response.ok) console.error(`The scheduled tasks ended with: ${outcome}`);
  } catch (error) {
    if (!signal.aborted) console.error(`The scheduled tasks could not run: ${messageOf(error)}`);
  }
}

function callSchedule(gatewayUrl: string, schedule: string, signal: AbortSignal): Promise<Response> {
  const url = `${gatewayUrl}/cdn-cgi/local/scheduled?${new URLSearchParams({ cron: schedule })}`;
  return fetch(url, { signal });
}
