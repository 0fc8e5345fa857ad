/** `npm start`: the whole gateway on this machine. Its state survives every kind of stop. */
import { createServer } from "node:net";
import { resolve } from "node:path";
import { fail, messageOf, readOptions, wholeNumber } from "./command-line.ts";
import { ensureDevVars, readDevVar } from "./dev-vars.ts";
import { firstSteps } from "./first-steps.ts";
import { keepCron } from "./local-cron.ts";
import { applyMigrations } from "./migrate.ts";
import { projectDirectory } from "./project-directory.ts";
import { runWranglerDev } from "./wrangler.ts";

const usage = `Runs the gateway on this machine.

  npm start -- [options]

  --port 8787                   where it serves, on 127.0.0.1
  --persist-to .wrangler/state  the directory that keeps webhooks, events and deliveries
  --help                        this text`;

const host = "127.0.0.1";
/** A machine that is busy takes its time to stop; a second Ctrl-C does not wait. */
const stopTimeoutMs = 60_000;

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);

run(readSettings()).catch(endUnlessStopped);

async function run({ port, stateDirectory }: { port: number; stateDirectory: string }): Promise<void> {
  await refuseTakenPort(port);
  ensureDevVars();
  const state = ["--persist-to", stateDirectory];
  await applyMigrations(stateDirectory, stopping.signal);
  const address = ["--ip", host, "--port", String(port)];
  const url = `http://${host}:${port}`;
  await runWranglerDev(
    [...address, ...state],
    stopping.signal,
    () => void welcome(url).catch(endUnlessStopped),
  );
}

/** Says how to go on, once the gateway is known to work, and keeps its cron. */
async function welcome(url: string): Promise<void> {
  const { status } = await fetch(`${url}/health`);
  if (status !== 200) throw new Error(`GET /health answers ${status}. What is printed above says why.`);
  const [token = ""] = readDevVar("API_TOKENS").split(",");
  console.log(firstSteps({ url, token: token.trim() }));
  await keepCron(url, stopping.signal);
}

function stop(): void {
  stopping.abort();
  // Wrangler ends with its parent, even when it hangs.
  setTimeout(() => process.exit(1), stopTimeoutMs).unref();
}

/** After a stop nothing is wrong: the process ends by itself, with exit code 0, as soon as wrangler has. */
function endUnlessStopped(error: unknown): void {
  if (!stopping.signal.aborted) fail(messageOf(error), 1);
}

/** Asked before anything else: wrangler's own message for it names no port. */
async function refuseTakenPort(port: number): Promise<void> {
  const probe = createServer();
  const { promise, resolve: free, reject: refuse } = Promise.withResolvers<void>();
  probe.once("error", (error: NodeJS.ErrnoException) => {
    const advice = `Stop what serves there, or take another one: npm start -- --port ${port + 1}`;
    refuse(error.code === "EADDRINUSE" ? new Error(`Port ${port} is taken. ${advice}`) : error);
  });
  probe.listen(port, host, () => probe.close(() => free()));
  return promise;
}

function readSettings(): { port: number; stateDirectory: string } {
  const options = readOptions(usage, {
    port: { type: "string", default: "8787" },
    "persist-to": { type: "string", default: resolve(projectDirectory, ".wrangler/state") },
  });
  return {
    port: wholeNumber("--port", options.port, { min: 1, max: 65_535 }),
    stateDirectory: resolve(options["persist-to"]),
  };
}
