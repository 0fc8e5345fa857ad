/** The cron of wrangler.toml, kept locally: `wrangler dev` serves a path that runs it, and never calls that itself. */

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** The schedules of wrangler.toml, as often as they would run. */
const schedules = [
  { cron: "* * * * *", everyMs: minuteMs },
  { cron: "17 3 * * *", everyMs: dayMs },
];

/**
 * Runs every schedule now, because a machine is off at its hour and queues that live in memory are empty after a
 * start, and then at its interval until `signal` ends it.
 */
export function keepCron(gatewayUrl: string, signal: AbortSignal): void {
  for (const { cron, everyMs } of schedules) {
    const run = () => void runScheduled(gatewayUrl, cron, signal);
    const timer = setInterval(run, everyMs);
    signal.addEventListener("abort", () => clearInterval(timer));
    run();
  }
}

/** A run that fails is reported; the next one makes good for it. */
async function runScheduled(gatewayUrl: string, cron: string, signal: AbortSignal): Promise<void> {
  try {
    const response = await fetch(`${gatewayUrl}/cdn-cgi/local/scheduled?${new URLSearchParams({ cron })}`, {
      signal,
    });
    const outcome = await response.text();
    if (!response.ok) console.error(`The schedule "${cron}" ended with: ${outcome}`);
  } catch (error) {
    if (!signal.aborted) console.error(`The schedule "${cron}" could not run: ${String(error)}`);
  }
}
