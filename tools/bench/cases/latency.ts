/** `latency` and `slow-neighbour`: how long an event is on its way, at a steady rate. */
import { type Figures, figure } from "../figures.ts";
import { type Lab, quantile } from "../lab.ts";

/** 50 events a second to 10 webhooks for 30 s, in slices of 5 s, and of 2.5 s for the limit in between. */
const requestsPerS = 50;
const slices = 6;
const events = 250;

export async function latency(lab: Lab): Promise<Figures> {
  const url = lab.receiverUrl("/ok/latency");
  const uuids = await lab.gateway.makeWebhooks(10, { url, firstProject: 0 });
  const steady = { batch: 1, connections: 1, projects: 10, requestsPerS };
  const own: number[] = [];
  const bare: number[] = [];
  const to = encodeURIComponent(lab.receiverUrl("/ok/bare"));
  for (let slice = 0; slice <= slices; slice += 1) {
    const limit = await lab.publishToLimit(`/insert-and-send?to=${to}`, {
      ...steady,
      events: events / 2,
      path: "/bare",
      deliveries: events / 2,
    });
    const { arrivals } = await lab.publish({ ...steady, events, path: "/latency", deliveries: events });
    // The first slice warms up.
    if (slice === 0) continue;
    bare.push(...limit.arrivals.latenciesMs);
    own.push(...arrivals.latenciesMs);
  }
  await lab.gateway.removeWebhooks(uuids);
  const of = (share: number, goal: number, name: string) =>
    figure({
      value: quantile(own, share),
      limit: quantile(bare, share),
      goal,
      better: "lower",
      unit: "ms",
      against: `${name} of a durable insert and a bare signed fetch`,
    });
  return { latency: of(0.5, 2, "p50"), "latency p99": of(0.99, 8, "p99") };
}

/** 100 webhooks that hear all; 10 of them hang until their time-out. The p99 of the other 90. */
export async function slowNeighbour(lab: Lab): Promise<Figures> {
  const sound = await lab.gateway.makeWebhooks(90, { url: lab.receiverUrl("/ok/neighbour") });
  const others = await lab.gateway.makeWebhooks(10, { url: lab.receiverUrl("/ok/fine") });
  const events = 24;
  const p99 = async (): Promise<number> => {
    const steady = { events, batch: 1, connections: 1, projects: 1, requestsPerS: 4 };
    const { arrivals } = await lab.publish({ ...steady, path: "/neighbour", deliveries: 90 * events });
    return quantile(arrivals.latenciesMs, 0.99);
  };
  await p99();
  const without = [await p99(), await p99()];
  await lab.gateway.removeWebhooks(others);
  const hanging = await lab.gateway.makeWebhooks(10, { url: lab.receiverUrl("/hang/slow") });
  const beside = [await p99(), await p99()];
  await lab.gateway.removeWebhooks([...sound, ...hanging]);
  return {
    "slow-neighbour": figure({
      value: Math.min(...beside),
      limit: Math.min(...without),
      goal: 1.2,
      better: "lower",
      unit: "ms",
      against: "the same without the slow ones",
    }),
  };
}
