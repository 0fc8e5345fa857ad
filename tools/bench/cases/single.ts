/** `single`: one event per request, 16 connections, 10 webhooks; against one D1 batch and one durable row each. */
import { type Figures, figure } from "../figures.ts";
import { fewRounds, inTurn, type Lab, perS, rounds, type Run } from "../lab.ts";

function acceptedPerS({ loaded }: Run): number {
  return perS(loaded.requestsMs.length, loaded.endedAtMs - loaded.startedAtMs);
}

export async function single(lab: Lab): Promise<Figures> {
  const events = Math.max(Math.round((lab.sizes.events * 0.4) / rounds.counted), 1);
  const uuids = await lab.gateway.makeWebhooks(10, { url: lab.receiverUrl("/ok/single"), firstProject: 0 });
  const load = { path: "/single", events, batch: 1, connections: 16, projects: 10 };
  const to = encodeURIComponent(lab.receiverUrl("/ok/single-bare"));
  const { own, c, cAndD } = await inTurn(rounds, {
    c: async () => acceptedPerS(await lab.publishToLimit("/insert?d1", { ...load, deliveries: 0 })),
    cAndD: async () => {
      const limit = { ...load, path: "/single-bare", deliveries: events };
      return acceptedPerS(await lab.publishToLimit(`/insert?d1&to=${to}`, limit));
    },
    // It waits for the deliveries, too: they must not slow down the limit's next round.
    own: async () => acceptedPerS(await lab.publish({ ...load, deliveries: events })),
  });
  // Accepting alone: nothing is delivered meanwhile on the same cores, as in production.
  await Promise.all(uuids.map((uuid) => lab.gateway.pause(uuid)));
  const paused = await inTurn(fewRounds, {
    c: async () => acceptedPerS(await lab.publishToLimit("/insert?d1", { ...load, deliveries: 0 })),
    own: async () => acceptedPerS(await lab.publish({ ...load, deliveries: 0 })),
  });
  await lab.gateway.removeWebhooks(uuids);
  const common = { better: "higher", unit: "accepted/s", against: "limit C" } as const;
  return {
    single: figure({ value: own, limit: c, goal: 0.8, ...common }),
    "single to C and D": figure({
      ...common,
      value: own,
      limit: cAndD,
      goal: null,
      against: "limits C and D at once: it delivers, too",
    }),
    "single, lanes paused": figure({ value: paused.own, limit: paused.c, goal: null, ...common }),
  };
}
