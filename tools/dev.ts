/** `npm run dev`: runs the gateway under `wrangler dev`, which reloads it when the source changes. */
import { fail, messageOf } from "./command-line.ts";
import { ensureDevVars, localToken } from "./dev-vars.ts";
import { firstSteps } from "./first-steps.ts";
import { callSchedule, runEveryMinute, stopSendingOver } from "./local-cron.ts";
import { applyMigrations } from "./migrate.ts";
import { watchNpm } from "./parent-watch.ts";
import { host, readServeOptions, requireFreePort } from "./serve-options.ts";
import { checkState } from "./state-check.ts";
import { lockState } from "./state-lock.ts";
import { runWranglerDev } from "./wrangler.ts";

const usage = `Runs the gateway for its development: it reloads when the source changes.

  npm run dev -- [options]

  --port 8787                   the port to serve on, at 127.0.0.1
  --persist-to .wrangler/state  the directory for webhooks, events and deliveries
  --help                        this text`;

/** How long wrangler may take to stop. */
const stopTimeoutMs = 60_000;

const stopping = new AbortController();
let servedAt: string | undefined;
let isStopping = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void stop());
watchNpm(() => void stop());

run().catch(failUnlessStopping);

async function run(): Promise<void> {
  const { port, stateDirectory, hasRelay, producer } = readServeOptions(usage);
  if (hasRelay) fail("A relay runs beside npm start only.", 2);
  if (producer !== null) fail("A producer runs beside npm start only.", 2);
  await requireFreePort(port);
  ensureDevVars();
  lockState(stateDirectory, `http://${host}:${port}, process ${process.pid}`);
  checkState(stateDirectory);
  await applyMigrations(stateDirectory);
  const url = `http://${host}:${port}`;
  await runWranglerDev(
    ["--ip", host, "--port", String(port), "--persist-to", stateDirectory],
    stopping.signal,
    () => void onListening(url).catch(failUnlessStopping),
  );
}

async function onListening(url: string): Promise<void> {
  servedAt = url;
  console.log(firstSteps({ url, token: localToken() }));
  await runEveryMinute((cron) => callSchedule(url, cron, stopping.signal), stopping.signal);
}

/** Waits for attempts under way, then ends wrangler. A second signal ends everything at once. */
async function stop(): Promise<void> {
  if (isStopping) process.exit(1);
  isStopping = true;
  if (servedAt !== undefined) await stopSendingOver(servedAt, localToken());
  stopping.abort();
  // Wrangler exits with its parent process, also when it hangs.
  setTimeout(() => process.exit(1), stopTimeoutMs).unref();
}

/** Errors after a stop are expected: the process then exits by itself with code 0, once wrangler has exited. */
function failUnlessStopping(error: unknown): void {
  if (!stopping.signal.aborted) fail(messageOf(error), 1);
}
