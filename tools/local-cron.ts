/** The cron of wrangler.toml, kept locally: `wrangler dev` has a path that runs it, and never calls that itself. */
import { setTimeout as wait } from "node:timers/promises";
import { messageOf } from "./command-line.ts";

const minuteMs = 60_000;

/** The schedules of wrangler.toml, as often as they run there. */
const schedules = [
  { cron: "* * * * *", everyMinutes: 1 },
  { cron: "17 3 * * *", everyMinutes: 24 * 60 },
];

/**
 * Runs every schedule now, since queues that live in memory are empty after a start and the machine may be off at
 * night, and again when its time has passed, until `signal` aborts.
 */
export async function keepCron(gatewayUrl: string, signal: AbortSignal): Promise<void> {
  for (let minute = 0; !signal.aborted; minute += 1) {
    const due = schedules.filter(({ everyMinutes }) => minute % everyMinutes === 0);
    for (const { cron } of due) await runScheduled(gatewayUrl, cron, signal);
    await wait(minuteMs, undefined, { signal }).catch(() => undefined);
  }
}

/** A run that fails is reported; the next one makes good for it. */
async function runScheduled(gatewayUrl: string, cron: string, signal: AbortSignal): Promise<void> {
  const url = `${gatewayUrl}/cdn-cgi/local/scheduled?${new URLSearchParams({ cron })}`;
  try {
    const response = await fetch(url, { signal });
    const outcome = await response.text();
    if (!response.ok) console.error(`The schedule "${cron}" ended with: ${outcome}`);
  } catch (error) {
    if (!signal.aborted) console.error(`The schedule "${cron}" could not run: ${messageOf(error)}`);
  }
}
