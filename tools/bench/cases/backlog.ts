/** `backlog` and `memory`: a lane with much waiting takes in and sends as fast as one with little. */
import { type Figures, figure } from "../figures.ts";
import { type Lab, median, perS } from "../lab.ts";

const slice = 1000;
const depths = [1000, 10_000, 100_000];
const batch = 100;

type AtDepth = { depth: number; acceptPerS: number; drainPerS: number; peakBytes: number };

export async function backlog(lab: Lab): Promise<Figures> {
  const at: AtDepth[] = [];
  const eventBytes = 700;
  // What traffic alone takes of memory is taken before the first measurement.
  const unheard = { events: 50_000, batch, connections: 4, projects: 1, firstProject: 999_998 };
  await lab.publish({ ...unheard, path: "/none", deliveries: 0 });
  await measure(lab, slice);
  for (const depth of depths) at.push(await measure(lab, depth));
  const [first, last] = [at[0], at.at(-1)];
  if (first === undefined || last === undefined) throw new Error("Nothing was measured.");
  const common = { goal: 1.2, better: "lower", unit: "per s", against: "the same at 100,000" } as const;
  return {
    backlog: figure({ ...common, value: first.drainPerS, limit: last.drainPerS, unit: "drained/s" }),
    "backlog accept": figure({
      ...common,
      value: first.acceptPerS,
      limit: last.acceptPerS,
      unit: "accepted/s",
    }),
    memory: figure({
      value: Math.max(last.peakBytes - first.peakBytes, 0) / (last.depth - first.depth),
      limit: eventBytes,
      goal: 0.5,
      better: "lower",
      unit: "bytes per waiting delivery",
      against: "an event's own bytes",
    }),
  };
}

async function measure(lab: Lab, depth: number): Promise<AtDepth> {
  const url = lab.receiverUrl(`/ok/backlog-${depth}`);
  const uuid = await lab.gateway.makeWebhook({ url, project: 0 });
  await lab.gateway.pause(uuid);
  let peakBytes = 0;
  const sampling = setInterval(
    () => (peakBytes = Math.max(peakBytes, lab.gateway.worker.memoryBytes())),
    250,
  );
  const accept = async (events: number, connections: number): Promise<number> => {
    const load = { events, batch, connections, projects: 1, path: "/none", deliveries: 0 };
    const { loaded } = await lab.publish(load);
    return perS(events, loaded.endedAtMs - loaded.startedAtMs);
  };
  await accept(depth, 4);
  const acceptPerS = median([await accept(slice, 1), await accept(slice, 1), await accept(slice, 1)]);
  const drained: number[] = [];
  for (let time = 0; time < 3; time += 1) {
    drained.push(await lab.deliveryRate(`/backlog-${depth}`, slice, () => lab.gateway.resume(uuid)));
    await lab.gateway.pause(uuid);
  }
  clearInterval(sampling);
  await lab.gateway.removeWebhooks([uuid]);
  return { depth, acceptPerS, drainPerS: median(drained), peakBytes };
}
