/** `latency` and `slow-neighbour`: how long an event is on its way, at a steady rate. */
import { type Figures, figure } from "../figures.ts";
import { type Lab, median, quantile } from "../lab.ts";

/** 50 events a second to 10 webhooks for 30 s, in slices of 5 s, and of 2 s for the limit in between. */
const requestsPerS = 50;
const slices = 6;
const sliceEvents = { own: 250, bare: 100 };
const warmUpEvents = { own: 100, bare: 100 };

export async function latency(lab: Lab): Promise<Figures> {
  const url = lab.receiverUrl("/ok/latency");
  const uuids = await lab.gateway.makeWebhooks(10, { url, firstProject: 0 });
  const steady = { batch: 1, connections: 1, projects: 10, requestsPerS };
  const own: number[] = [];
  const bare: number[] = [];
  const to = encodeURIComponent(lab.receiverUrl("/ok/bare"));
  for (let slice = 0; slice <= slices; slice += 1) {
    const events = slice === 0 ? warmUpEvents : sliceEvents;
    const limit = await lab.publishToLimit(`/insert-and-send?to=${to}`, {
      ...steady,
      path: "/bare",
      events: events.bare,
      deliveries: events.bare,
    });
    const { arrivals } = await lab.publish({
      ...steady,
      path: "/latency",
      events: events.own,
      deliveries: events.own,
    });
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

/** An event to all webhooks, four times a second: one slow burst is in the p99 of its window, and not in the median of all. */
const burstsPerS = 4;
const burstsPerWindow = 16;
const windows = 5;

/** 100 webhooks that match all events; 10 of them hang until their time-out. The p99 of the other 90. */
export async function slowNeighbour(lab: Lab): Promise<Figures> {
  const sound = await lab.gateway.makeWebhooks(90, { url: lab.receiverUrl("/ok/neighbour") });
  const others = await lab.gateway.makeWebhooks(10, { url: lab.receiverUrl("/ok/fine") });
  const window = async (events: number): Promise<number> => {
    const steady = { events, batch: 1, connections: 1, projects: 1, requestsPerS: burstsPerS };
    const { arrivals } = await lab.publish({ ...steady, path: "/neighbour", deliveries: 90 * events });
    return quantile(arrivals.latenciesMs, 0.99);
  };
  // New lanes make their tables with the first event: the first window does not count.
  const p99 = async (): Promise<number> => {
    const found: number[] = [];
    await window(burstsPerWindow / 2);
    while (found.length < windows) found.push(await window(burstsPerWindow));
    return median(found);
  };
  const without = await p99();
  await lab.gateway.removeWebhooks(others);
  const hanging = await lab.gateway.makeWebhooks(10, { url: lab.receiverUrl("/hang/slow") });
  const beside = await p99();
  await lab.gateway.removeWebhooks([...sound, ...hanging]);
  return {
    "slow-neighbour": figure({
      value: beside,
      limit: without,
      goal: 1.2,
      better: "lower",
      unit: "ms",
      against: "the same without the slow ones",
    }),
  };
}
