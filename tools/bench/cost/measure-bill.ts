/** `--cost`: runs the gateway in a shell that counts, and prices what it used. Nothing in it depends on speed. */
import { setTimeout as wait } from "node:timers/promises";
import { Gateway } from "../gateway.ts";
import { startProcess } from "../process-calls.ts";
import type { ReceiverCalls } from "../receiver.ts";
import { nowMs, sampleEvent } from "../sample-event.ts";
import { type BillLine, billLine } from "./bill.ts";
import { type CostCase, costPhases } from "./cost-cases.ts";
import { type Metered, noUsage, type Usage } from "./usage.ts";

/** How often each group gets something: what comes alone is apart, so that each has an alarm of its own. */
const rounds = { 1: 2, 100: 1 };
const apartMs = 12_000;
/** The lane's alarm behind the last delivery runs after 10 s. */
const settleMs = 12_000;
const pollMs = 20;
const phaseMaxMs = 300_000;
/** The lane writes its counts every 200 attempts: lanes begin at different places in between. */
const attemptsPerCheckpoint = 200;
/** How many requests the times beside the waiting are measured with. */
const ownRequests = { 1: 200, 100: 20 };
/** As many as one request may have. */
const eventsMax = 100;
const ownTimesProject = 400_000;
const unmatchedProject = 399_999;
/** Each webhook's project of its own, for that; beyond those of the groups. */
const ownProjects = 500_000;
type Meters = Record<string, Metered>;
type Group = { project: number; uuids: string[]; paths: string[] };
/** What a delivery and a request take beside the waiting, measured while nothing else runs; and what shards use for a request. */
export type OwnTimes = { laneMsPerDelivery: number; cpuMsPerRequest: number; shards: Usage["shards"] };
type Counted = { costCase: CostCase; used: Usage; deliveries: number };

/** @returns one line for each case. Takes about ten minutes. */
export async function measureBill(): Promise<BillLine[]> {
  const receiver = await startProcess<ReceiverCalls>("receiver.ts");
  const gateway = await startMeteredGateway();
  try {
    const origin = await receiver.call.origin();
    const own = {
      1: await measureOwnTimes(gateway, origin, 1),
      100: await measureOwnTimes(gateway, origin, 100),
    };
    const counted: Counted[] = [];
    let firstProject = 0;
    for (const phase of costPhases()) {
      console.error(`${phase.map(({ name }) => name).join("\n")} …`);
      counted.push(...(await countPhase(gateway, { origin, phase, firstProject, own })));
      firstProject += phase.reduce((sum, { groups }) => sum + groups, 0);
    }
    return counted.map(({ costCase, used, deliveries }) =>
      billLine({ case: costCase.name, used, deliveries, goal: costCase.goal }),
    );
  } finally {
    receiver.stop();
    await gateway.worker.stop();
  }
}

/** The gateway in the shell that counts. */
export function startMeteredGateway(): Promise<Gateway> {
  return Gateway.start({ entry: "tools/bench/meter/metered-gateway.ts" });
}

/** The cases of a phase, side by side. */
async function countPhase(
  gateway: Gateway,
  setup: { origin: string; phase: CostCase[]; firstProject: number; own: Record<1 | 100, OwnTimes> },
): Promise<Counted[]> {
  const { origin, phase, own } = setup;
  let project = setup.firstProject;
  const prepared: { costCase: CostCase; groups: Group[] }[] = [];
  for (const costCase of phase) {
    const groups: Group[] = [];
    for (let place = 0; place < costCase.groups; place += 1, project += 1) {
      groups.push(await makeGroup(gateway, { origin, costCase, project }));
    }
    prepared.push({ costCase, groups });
  }
  const all = prepared.flatMap(({ groups }) => groups);
  await untilIdle(gateway, all);
  await readMeters(gateway);
  await Promise.all(prepared.map(({ costCase, groups }) => publish(gateway, costCase, groups)));
  await untilIdle(gateway, all);
  const meters = await readMeters(gateway);
  await gateway.removeWebhooks(all.flatMap(({ uuids }) => uuids));
  return prepared.map(({ costCase, groups }) => {
    const deliveries = costCase.groups * costCase.batch * rounds[costCase.batch] * costCase.fanOut;
    const used = usageOf(costCase, groups, meters);
    const { laneMsPerDelivery, cpuMsPerRequest, shards } = own[costCase.batch];
    used.lanes.awakeMs += laneMsPerDelivery * deliveries;
    used.workerCpuMs = cpuMsPerRequest * used.workerRequests;
    for (const meter of objectMeters) used.shards[meter] = shards[meter] * used.workerRequests;
    return { costCase, used, deliveries };
  });
}

/**
 * One request after another, to lanes that answer at once. The processor time is all that workerd uses while requests
 * come that match no webhook: D1's stand-in is in it, so it is more than a Worker is billed for.
 */
export async function measureOwnTimes(gateway: Gateway, origin: string, batch: 1 | 100): Promise<OwnTimes> {
  const requests = ownRequests[batch];
  const costCase = { batch, fanOut: 1, groups: 1, isRetried: false, receiverMs: 0 } as const;
  const group = await makeGroup(gateway, { origin, costCase, project: ownTimesProject });
  const post100 = (project: number) =>
    post(
      gateway,
      "own times",
      Array.from({ length: batch }, () => project),
    );
  await untilIdle(gateway, [group]);
  await readMeters(gateway);
  for (let request = 0; request < requests; request += 1) {
    await post100(group.project);
    await untilSent(gateway, group);
  }
  const meters = await readMeters(gateway);
  const lane = meters[group.uuids[0] ?? ""];
  const path = meters[group.paths[0] ?? ""];
  await gateway.removeWebhooks(group.uuids);
  for (let request = 0; request < requests; request += 1) await post100(unmatchedProject);
  await readMeters(gateway);
  const before = gateway.worker.cpuMs();
  for (let request = 0; request < requests; request += 1) await post100(unmatchedProject);
  const cpu = gateway.worker.cpuMs() - before;
  const { shards } = await readMeters(gateway);
  if (shards === undefined) throw new Error("No event shard was called.");
  const each = (used: number) => used / requests;
  return {
    laneMsPerDelivery: ((lane?.awakeMs ?? 0) - (path?.fetchMs ?? 0)) / (requests * batch),
    cpuMsPerRequest: each(cpu),
    shards: {
      requests: each(shards.requests),
      awakeMs: each(shards.awakeMs),
      rowsWritten: each(shards.rowsWritten),
      rowsRead: each(shards.rowsRead),
    },
  };
}

/** Webhooks that subscribe to the same project; each has sent before, another number of times, so that its lane is set up. */
async function makeGroup(
  gateway: Gateway,
  setup: {
    origin: string;
    costCase: Pick<CostCase, "fanOut" | "groups" | "isRetried"> & { receiverMs: number };
    project: number;
  },
): Promise<Group> {
  const { origin, costCase, project } = setup;
  const { fanOut, groups, isRetried, receiverMs } = costCase;
  const group: Group = { project, uuids: [], paths: [] };
  const lanes = fanOut * groups;
  for (let place = 0; place < fanOut; place += 1) {
    const lane = ownProjects + project * 100 + place;
    const path = `/${isRetried ? "fail-some" : "wait"}/${receiverMs}/${lane}`;
    const uuid = await gateway.makeWebhook({ url: origin + path, project });
    await gateway.subscribe(uuid, [project, lane]);
    group.uuids.push(uuid);
    group.paths.push(path);
    const nth = (project * fanOut + place) % lanes;
    const before = 1 + Math.floor((nth * attemptsPerCheckpoint) / lanes);
    for (let left = before; left > 0; left -= eventsMax) {
      await post(
        gateway,
        "warm-up",
        Array.from({ length: Math.min(left, eventsMax) }, () => lane),
      );
    }
  }
  return group;
}

async function publish(gateway: Gateway, costCase: CostCase, groups: Group[]): Promise<void> {
  for (let round = 0; round < rounds[costCase.batch]; round += 1) {
    if (round > 0) await wait(apartMs);
    for (const { project } of groups) {
      await post(
        gateway,
        costCase.name,
        Array.from({ length: costCase.batch }, () => project),
      );
    }
  }
}

/** Publishes one event for each project named, in one request. */
async function post(gateway: Gateway, name: string, projects: number[]): Promise<void> {
  const events = projects.map((project) => sampleEvent({ project, sentAtMs: nowMs() }));
  const response = await gateway.publish(events, { "x-case": name });
  if (!response.ok) throw new Error(`Publishing answered ${response.status}.`);
}

/** Waits until nothing waits in any lane and the last alarm has run. */
async function untilIdle(gateway: Gateway, groups: Group[]): Promise<void> {
  for (const group of groups) await untilSent(gateway, group);
  await wait(settleMs);
}

/** Waits until nothing waits in the lanes of a group. */
async function untilSent(gateway: Gateway, { uuids }: Group): Promise<void> {
  const deadline = Date.now() + phaseMaxMs;
  for (const uuid of uuids) {
    for (;;) {
      const stats = await gateway.call("GET", `/api/notifications/subscribers/${uuid}/stats`);
      if ((stats as { backlog: number }).backlog === 0) break;
      if (Date.now() > deadline) throw new Error("Deliveries are left.");
      await wait(pollMs);
    }
  }
}

async function readMeters(gateway: Gateway): Promise<Meters> {
  return (await gateway.call("GET", "/meters")) as Meters;
}

const objectMeters = ["requests", "awakeMs", "rowsWritten", "rowsRead"] as const;

/**
 * A receiver's wait counts as what it is meant to be: how busy this machine is must not be on the bill. Times are measured
 * apart, and so is what shards use, which cases share.
 */
function usageOf({ name, receiverMs }: CostCase, groups: Group[], meters: Meters): Usage {
  const used = noUsage();
  add(used, meters[name]);
  for (const { uuids, paths } of groups) {
    for (const uuid of uuids) add(used, meters[uuid]);
    const attempts = paths.reduce((sum, path) => sum + (meters[path]?.fetches ?? 0), 0);
    used.lanes.awakeMs += attempts * receiverMs;
  }
  return used;
}

function add(used: Usage, metered: Metered | undefined): void {
  if (metered === undefined) return;
  for (const meter of ["workerRequests", "d1RowsWritten", "d1RowsRead", "queueMessages"] as const)
    used[meter] += metered[meter];
  for (const meter of objectMeters) if (meter !== "awakeMs") used.lanes[meter] += metered[meter];
}
