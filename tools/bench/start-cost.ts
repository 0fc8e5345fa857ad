/** `npm run bench -- --start`: the processor time of a delivery under `npm start`, beside that of the built Worker. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "./lab.ts";
import { Gateway, headers } from "./gateway.ts";
import { startProcess } from "./process-calls.ts";
import type { ReceiverCalls } from "./receiver.ts";
import { eventType, nowMs, sampleEvent } from "./sample-event.ts";
import { projectDirectory } from "../project-directory.ts";

/** What is measured: where it is called, and the processor time that all of its processes have used, in ms. */
type Measured = { name: string; origin: string; token: string; cpuMs: () => number };

/** Each is published by itself, so many at once, to one webhook in strict order. */
const eventsPerRound = 500;
const atOnce = 8;
/** V8 compiles what runs often: the first round does not count. */
const countedRounds = 3;

/** @returns the processor time of a delivery in ms, by name. Linux only. */
export async function measureStart(): Promise<Record<string, number>> {
  const receiver = await startProcess<ReceiverCalls>("receiver.ts");
  const built = await Gateway.start();
  const directory = mkdtempSync(join(tmpdir(), "bench-start-"));
  const started = await startCommand(directory);
  const { pid = 0 } = started.child;
  const token = headers.Authorization.replace("Bearer ", "");
  const all: Measured[] = [
    { name: "built Worker", origin: built.worker.origin, token, cpuMs: () => built.worker.cpuMs() },
    { name: "npm start", origin: started.origin, token: started.token, cpuMs: () => treeCpuMs(pid) },
  ];
  const perDelivery = new Map<string, number[]>(all.map(({ name }) => [name, []]));
  try {
    const receiverOrigin = await receiver.call.origin();
    for (const one of all) await makeWebhook(one, receiverOrigin + pathOf(one));
    for (let round = 0; round <= countedRounds; round += 1) {
      for (const one of all) {
        await receiver.call.expect({ path: pathOf(one) });
        const before = one.cpuMs();
        await publishMany(one);
        await receiver.call.arrived({ count: eventsPerRound });
        if (round > 0) perDelivery.get(one.name)?.push((one.cpuMs() - before) / eventsPerRound);
      }
    }
  } finally {
    started.child.kill("SIGTERM");
    await once(started.child, "exit");
    rmSync(directory, { recursive: true, force: true });
    await built.worker.stop();
    receiver.stop();
  }
  return Object.fromEntries([...perDelivery].map(([name, values]) => [name, median(values)]));
}

/** Where the receiver answers at once. */
function pathOf({ name }: Measured): string {
  return `/ok/${name === "npm start" ? "started" : "built"}`;
}

async function startCommand(
  directory: string,
): Promise<{ child: ChildProcess; origin: string; token: string }> {
  const port = await freePort();
  const options = ["--port", `${port}`, "--persist-to", join(directory, "state")];
  const child = spawn(process.execPath, ["tools/start.ts", ...options], {
    cwd: projectDirectory,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  for await (const chunk of child.stdout) {
    printed += String(chunk);
    const [, token] = /Local API token: (\S+)[\s\S]*Ctrl-C/.exec(printed) ?? [];
    if (token !== undefined) return { child, origin: `http://127.0.0.1:${port}`, token };
  }
  throw new Error(`npm start ended:\n${printed}`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  return address !== null && typeof address === "object" ? address.port : 0;
}

async function makeWebhook(gateway: Measured, url: string): Promise<void> {
  await call(
    gateway,
    "/api/notifications/subscribers/webhooks",
    JSON.stringify({ url, name: "bench", verify_ssl: false, subscriptions: [{ event_type: eventType }] }),
  );
}

async function publishMany(gateway: Measured): Promise<void> {
  let left = eventsPerRound;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left > 0) {
        left -= 1;
        await call(gateway, "/api/events", sampleEvent({ project: 0, sentAtMs: nowMs() }));
      }
    }),
  );
}

async function call({ origin, token }: Measured, path: string, body: string): Promise<void> {
  const response = await fetch(origin + path, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${text}`);
}

/** Of a process and of all that it started, in ms. Linux counts it in hundredths of a second. */
function treeCpuMs(root: number): number {
  const processes = readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => statOf(entry));
  const own = new Set([root]);
  // Parents have smaller numbers mostly, not always: it is looked until nothing is found.
  for (let before = 0; before < own.size;) {
    before = own.size;
    for (const { pid, parent } of processes) if (own.has(parent)) own.add(pid);
  }
  return processes.filter(({ pid }) => own.has(pid)).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

function statOf(entry: string): { pid: number; parent: number; cpuMs: number }[] {
  try {
    const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Its own, and that of its children which have ended.
    const ticks = fields.slice(11, 15).map(Number);
    return [{ pid: Number(entry), parent: Number(fields[1]), cpuMs: ticks.reduce((a, b) => a + b, 0) * 10 }];
  } catch {
    // It ended while it was looked at.
    return [];
  }
}
