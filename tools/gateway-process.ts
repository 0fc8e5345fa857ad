/** The process that `npm start` starts: it runs the built Worker in workerd, and ends with its parent. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { builtWorker } from "./built-worker.ts";
import { messageOf } from "./command-line.ts";
import { stopOrder, runEveryMinute, stopTimeoutMs } from "./local-cron.ts";
import { printLog } from "./log-filter.ts";
import { applyMigrations } from "./migrate.ts";
import type { ServeOptions } from "./serve-options.ts";
import { checkState } from "./state-check.ts";
import { lockState } from "./state-lock.ts";

/** The options of the process, as JSON in its first argument. */
export type GatewaySettings = ServeOptions & { host: string };

/** A message to its parent. `step`: the current step of the start. */
export type GatewayReport = { step: string } | { serves: true } | { failed: string };

/** The message of its parent: the order to finish attempts under way and to end, with an API token. */
export type StopRequest = { stop: string };

// The parent has ended; this includes being killed.
process.once("disconnect", () => process.exit(1));

run(JSON.parse(process.argv[2] ?? "") as GatewaySettings).catch((error: unknown) => {
  report({ failed: messageOf(error) });
  process.exitCode = 1;
  process.disconnect?.();
});

/** Makes Miniflare start workerd by a script that ends it when this process ends or is killed. */
function endWorkerdWithThisProcess(): void {
  if (process.platform === "win32") return;
  const { default: workerd } = createRequire(import.meta.resolve("miniflare"))("workerd") as {
    default: string;
  };
  process.env["WORKERD"] = workerd;
  process.env["MINIFLARE_WORKERD_PATH"] = join(import.meta.dirname, "workerd.sh");
}

async function run(settings: GatewaySettings): Promise<void> {
  const { host, port, stateDirectory } = settings;
  endWorkerdWithThisProcess();
  report({ step: "Opening the state" });
  lockState(stateDirectory, `http://${host}:${port}, process ${process.ppid}`);
  checkState(stateDirectory);
  report({ step: "Building the Worker and migrating the database" });
  const { EGRESS = "", EVENT_SHARDS } = process.env;
  const [worker] = await Promise.all([
    builtWorker({ EGRESS, ...(EVENT_SHARDS === undefined ? {} : { EVENT_SHARDS }) }),
    applyMigrations(stateDirectory),
  ]);
  const workers = [worker];
  if (settings.producer !== null) {
    // Others need not wait for zod.
    const { producerWorker } = await import("./producer-worker.ts");
    workers.push(await producerWorker(settings.producer, { host, port: port + 1 }));
  }
  report({ step: "Starting workerd" });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers,
      host,
      port,
      resourcePersistencePath: join(stateDirectory, "v3"),
      log: new Log(LogLevel.ERROR),
      handleStructuredLogs: (entry) => printLog(entry, settings),
      telemetry: { enabled: false },
      cf: false,
    }),
  );
  const { origin } = await miniflare.ready;
  const health = await fetch(`${origin}/health`);
  if (health.status !== 200) throw new Error(`The gateway is not healthy: ${await health.text()}`);
  const { scheduled } = await miniflare.getWorker();
  const ending = new AbortController();
  process.on("message", ({ stop: token }: StopRequest) => {
    ending.abort();
    void stop(miniflare, () => scheduled({ cron: stopOrder(token) }));
  });
  report({ serves: true });
  await runEveryMinute(async (cron) => {
    const { outcome } = await scheduled({ cron });
    if (outcome !== "ok") throw new Error(outcome);
  }, ending.signal);
}

/** Waits for attempts under way, and ends this process and workerd. */
async function stop(miniflare: Miniflare, stopSending: () => Promise<unknown>): Promise<void> {
  const timeout = AbortSignal.timeout(stopTimeoutMs);
  const isLate = new Promise((resolve) => timeout.addEventListener("abort", resolve));
  try {
    await Promise.race([stopSending(), isLate]);
    await miniflare.dispose();
  } catch (error) {
    console.error(`Attempts under way may be cut: ${messageOf(error)}`);
  }
  process.exit(0);
}

function report(message: GatewayReport): void {
  process.send?.(message);
}
