/** `npm start`: runs the gateway on this machine. Its state survives stops and crashes. */
import { createServer } from "node:net";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fail, messageOf, readOptions, wholeNumber } from "./command-line.ts";
import { ensureDevVars, readDevVar } from "./dev-vars.ts";
import { firstSteps } from "./first-steps.ts";
import { runCron, stopSending } from "./local-cron.ts";
import { applyMigrations } from "./migrate.ts";
import { projectDirectory } from "./project-directory.ts";
import { runWranglerDev } from "./wrangler.ts";

const usage = `Runs the gateway on this machine.

  npm start -- [options]

  --port 8787                   the port to serve on, at 127.0.0.1
  --persist-to .wrangler/state  the directory for webhooks, events and deliveries
  --help                        this text`;

const host = "127.0.0.1";
/** How long wrangler may take to stop, for example on a busy machine. A second Ctrl-C ends the process at once. */
const stopTimeoutMs = 60_000;
/** A gateway that was just killed frees its port a moment later. */
const portFreedMs = 2000;
const portLookMs = 100;

const stopping = new AbortController();
/** Where the gateway serves; undefined while it does not. */
let servedAt: string | undefined;
let isStopping = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void stop());

run(readSettings()).catch(failUnlessStopping);

async function run({ port, stateDirectory }: { port: number; stateDirectory: string }): Promise<void> {
  await requireFreePort(port);
  ensureDevVars();
  const state = ["--persist-to", stateDirectory];
  await applyMigrations(stateDirectory, stopping.signal);
  const address = ["--ip", host, "--port", String(port)];
  const url = `http://${host}:${port}`;
  await runWranglerDev(
    [...address, ...state],
    stopping.signal,
    () => void onListening(url).catch(failUnlessStopping),
  );
}

/** Checks the gateway's health, prints the first steps and runs cron. */
async function onListening(url: string): Promise<void> {
  const { status } = await fetch(`${url}/health`);
  if (status !== 200) throw new Error(`GET /health answers ${status}. The output above says why.`);
  servedAt = url;
  const [token = ""] = readDevVar("API_TOKENS").split(",");
  console.log(firstSteps({ url, token: token.trim() }));
  await runCron(url, stopping.signal);
}

/** Lets attempts land, then ends wrangler. A second signal ends everything at once. */
async function stop(): Promise<void> {
  if (isStopping) process.exit(1);
  isStopping = true;
  const [token = ""] = readDevVar("API_TOKENS").split(",");
  if (servedAt !== undefined) await stopSending(servedAt, token.trim());
  stopping.abort();
  // Wrangler exits with its parent process, also when it hangs.
  setTimeout(() => process.exit(1), stopTimeoutMs).unref();
}

/** Errors after a stop are expected: the process then exits by itself with code 0, once wrangler has exited. */
function failUnlessStopping(error: unknown): void {
  if (!stopping.signal.aborted) fail(messageOf(error), 1);
}

/** Wrangler's own error for a port in use does not name the port. @throws when the port stays in use. */
async function requireFreePort(port: number): Promise<void> {
  const until = Date.now() + portFreedMs;
  while (!(await isPortFree(port))) {
    const advice = `Stop what serves there, or take another one: npm start -- --port ${port + 1}`;
    if (Date.now() > until) throw new Error(`Port ${port} is taken. ${advice}`);
    await wait(portLookMs);
  }
}

function isPortFree(port: number): Promise<boolean> {
  const probe = createServer();
  const { promise, resolve: answer, reject } = Promise.withResolvers<boolean>();
  probe.once("error", (error: NodeJS.ErrnoException) =>
    error.code === "EADDRINUSE" ? answer(false) : reject(error),
  );
  probe.listen(port, host, () => probe.close(() => answer(true)));
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
