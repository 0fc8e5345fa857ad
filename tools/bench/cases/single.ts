/**
 * `single`: one event per request, 16 connections, 10 webhooks; against one D1 batch and one durable row each. `single-one`: the
 * same to one webhook, in strict order.
 */
import { type Figures, figure } from "../figures.ts";
import { deliveriesPerS, fewRounds, inTurn, type Lab, perS, rounds, type Run } from "../lab.ts";

function acceptedPerS({ loaded }: Run): number {
  return perS(loaded.requestsMs.length, loaded.endedAtMs - loaded.startedAtMs);
}

const accepted = { better: "higher", unit: "accepted/s" } as const;

export async function single(lab: Lab): Promise<Figures> {
  const events = roundSize(lab);
  const uuids = await lab.gateway.makeWebhooks(10, { url: lab.receiverUrl("/ok/single"), firstProject: 0 });
  const load = { path: "/single", events, batch: 1, connections: 16, projects: 10 };
  const to = encodeURIComponent(lab.receiverUrl("/ok/single-bare"));
  const bare = { ...load, path: "/single-bare", deliveries: events };
  const toC = () => lab.publishToLimit("/insert?d1", { ...load, deliveries: 0 });
  // It waits for the deliveries, too: they must not slow down the limit's next round.
  const publish = () => lab.publish({ ...load, deliveries: events });
  const { own, c, cAndD, e } = await inTurn(rounds, {
    c: async () => acceptedPerS(await toC()),
    cAndD: async () => acceptedPerS(await lab.publishToLimit(`/insert?d1&to=${to}`, bare)),
    e: async () => acceptedPerS(await lab.publishToLimit(`/hand-over?to=${to}`, bare)),
    own: async () => acceptedPerS(await publish()),
  });
  const cpu = await inTurn(fewRounds, {
    c: async () => (await lab.limitsCpuMs(toC)) / events,
    own: async () => (await lab.gatewayCpuMs(publish)) / events,
  });
  // Accepting alone: nothing is delivered meanwhile on the same cores, as in production.
  await Promise.all(uuids.map((uuid) => lab.gateway.pause(uuid)));
  const paused = await inTurn(fewRounds, {
    c: async () => acceptedPerS(await toC()),
    own: async () => acceptedPerS(await lab.publish({ ...load, deliveries: 0 })),
  });
  await lab.gateway.removeWebhooks(uuids);
  return {
    single: figure({ value: own, limit: c, goal: 0.8, against: "limit C", ...accepted }),
    "single to E": figure({ value: own, limit: e, goal: 0.75, against: "limit E", ...accepted }),
    "single to C and D": figure({
      value: own,
      limit: cAndD,
      goal: null,
      against: "limits C and D at once: it delivers, too",
      ...accepted,
    }),
    "single, CPU": figure({
      value: cpu.own,
      limit: cpu.c,
      goal: 1.5,
      better: "lower",
      unit: "ms of workerd's CPU per event, its delivery included",
      against: "limit C, which delivers nothing",
    }),
    "single, lanes paused": figure({
      value: paused.own,
      limit: paused.c,
      goal: 0.9,
      against: "limit C",
      ...accepted,
    }),
  };
}

export async function singleOne(lab: Lab): Promise<Figures> {
  const events = roundSize(lab);
  const uuids = await lab.gateway.makeWebhooks(1, {
    url: lab.receiverUrl("/ok/single-one"),
    firstProject: 0,
  });
  const load = { path: "/single-one", events, deliveries: events, batch: 1, connections: 16, projects: 1 };
  const { own, together, d } = await inTurn(rounds, {
    d: () => lab.limitD(events, 1),
    own: async () => deliveriesPerS(await lab.publish(load)),
    together: async () => deliveriesPerS(await lab.publish({ ...load, batch: 16, connections: 1 })),
  });
  await lab.gateway.removeWebhooks(uuids);
  return {
    "single-one": figure({
      value: own,
      limit: d,
      goal: 0.65,
      better: "higher",
      unit: "deliveries/s",
      against: "limit D",
    }),
    // What more sharing of commits and calls could give at the very most: a batch shares all of them, and its HTTP request, too.
    "single-one, 16 in a request": figure({
      value: together,
      limit: d,
      goal: null,
      better: "higher",
      unit: "deliveries/s",
      against: "limit D",
    }),
  };
}

function roundSize(lab: Lab): number {
  return Math.max(Math.round((lab.sizes.events * 0.4) / rounds.counted), 1);
}
