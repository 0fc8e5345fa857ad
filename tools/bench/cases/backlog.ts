/** `backlog`: a lane with much waiting takes in and sends as fast as one with little. */
import { type Figures, figure } from "../figures.ts";
import { type Lab, median, perS } from "../lab.ts";

const slice = 1000;
const depths = [1000, 10_000, 100_000];
const batch = 100;

type AtDepth = { depth: number; acceptPerS: number; drainPerS: number };

export async function backlog(lab: Lab): Promise<Figures> {
  const at: AtDepth[] = [];
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
  };
}

async function measure(lab: Lab, depth: number): Promise<AtDepth> {
  const url = lab.receiverUrl(`/ok/backlog-${depth}`);
  const uuid = await lab.gateway.makeWebhook({ url, project: 0 });
  await lab.gateway.pause(uuid);
  const accept = async (events: number, connections: number): Promise<number[]> => {
    const load = { events, batch, connections, projects: 1, path: "/none", deliveries: 0 };
    return (await lab.publish(load)).loaded.requestsMs;
  };
  await accept(depth, 4);
  // By request: a pause of the collector's in one of them says nothing of the depth.
  const requestsMs = [...(await accept(slice, 1)), ...(await accept(slice, 1)), ...(await accept(slice, 1))];
  const acceptPerS = perS(batch, median(requestsMs));
  const drained: number[] = [];
  for (let time = 0; time < 3; time += 1) {
    drained.push(await lab.deliveryRate(`/backlog-${depth}`, slice, () => lab.gateway.resume(uuid)));
    await lab.gateway.pause(uuid);
  }
  await lab.gateway.removeWebhooks([uuid]);
  return { depth, acceptPerS, drainPerS: median(drained) };
}
