/** `npm start`: runs the built gateway on this machine. Its state survives stops and crashes. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fail, messageOf } from "./command-line.ts";
import { ensureDevVars, localToken, readDevVar } from "./dev-vars.ts";
import { firstSteps } from "./first-steps.ts";
import type { GatewayReport, GatewaySettings, StopRequest } from "./gateway-process.ts";
import { egressSetting, newLocalRelay, startLocalRelay } from "./local-relay.ts";
import { watchNpm } from "./parent-watch.ts";
import { host, readServeOptions, requireFreePort } from "./serve-options.ts";

const usage = `Runs the gateway on this machine.

  npm start -- [options]

  --port 8787                   the port to serve on, at 127.0.0.1
  --persist-to .wrangler/state  the directory for webhooks, events and deliveries
  --producer wrangler.toml      also run this Worker, on the next port: its queue producers reach the gateway
  --relay                       also run a relay, so that verify_ssl: false works for https receivers
  --verbose                     also print successful requests, batches and attempts
  --help                        this text

npm run dev does the same and reloads when the source changes.`;

/** How long the gateway may take to stop, for example on a busy machine. A second Ctrl-C ends it at once. */
const stopTimeoutMs = 60_000;
/** A step of the start that takes longer is printed. */
const quickStepMs = 2000;

let gateway: ChildProcess | undefined;
let serves = false;
let isStopping = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
watchNpm(stop);

run().catch((error: unknown) => fail(messageOf(error), 1));

async function run(): Promise<void> {
  const options = readServeOptions(usage);
  const { port, producer, hasRelay, isVerbose } = options;
  await requireFreePort(port);
  if (producer !== null) await requireFreePort(port + 1);
  ensureDevVars();
  if (isStopping) return;
  const relay = hasRelay ? newLocalRelay() : null;
  const egress = egressSetting(process.env["EGRESS"] ?? readDevVar("EGRESS"), relay);
  gateway = startGateway({ host, ...options }, egress);
  const url = `http://${host}:${port}`;
  let step: NodeJS.Timeout | undefined;
  gateway.on("message", (report: GatewayReport) => {
    clearTimeout(step);
    if ("step" in report) step = setTimeout(() => console.log(`${report.step} …`), quickStepMs);
    else if ("failed" in report) fail(report.failed, 1);
    else {
      serves = true;
      if (relay !== null) startLocalRelay(relay, { url, isVerbose });
      console.log(firstSteps({ url, token: localToken(), hasRelay }));
      if (producer !== null) console.log(`The producer serves on http://${host}:${port + 1}\n`);
    }
  });
  const [exitCode] = await once(gateway, "exit");
  clearTimeout(step);
  process.exit(isStopping && exitCode === 0 ? 0 : 1);
}

/**
 * @param egress the Worker's setting `EGRESS`. It contains secrets, and arguments can be read by everybody on this
 *   machine.
 */
function startGateway(settings: GatewaySettings, egress: string): ChildProcess {
  return fork(join(import.meta.dirname, "gateway-process.ts"), [JSON.stringify(settings)], {
    // A process group of its own: Ctrl-C in a terminal signals the whole group, and would end attempts under way.
    detached: process.platform !== "win32",
    env: { ...process.env, EGRESS: egress },
  });
}

/**
 * Waits for attempts under way, then ends the gateway. A second call ends everything at once, because the gateway ends
 * with this process.
 */
function stop(): void {
  if (isStopping || !serves) process.exit(isStopping ? 1 : 0);
  isStopping = true;
  const request: StopRequest = { stop: localToken() };
  gateway?.send(request);
  setTimeout(() => process.exit(1), stopTimeoutMs).unref();
}
