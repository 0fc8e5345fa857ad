/** `strict-1`, `fan-10`, `fan-100`, `queue`: how fast deliveries go out, against lanes that do nothing else. */
import { type Figures, figure } from "../figures.ts";
import { deliveriesPerS, fewRounds, inTurn, type Lab, rounds } from "../lab.ts";

/** All events to one webhook in strict order. */
export async function strict1(lab: Lab): Promise<Figures> {
  const perRound = roundSize(lab, 100);
  const uuids = await lab.gateway.makeWebhooks(1, { url: lab.receiverUrl("/ok/strict-1"), firstProject: 0 });
  const publish = () =>
    lab.publish({
      path: "/strict-1",
      deliveries: perRound,
      events: perRound,
      batch: 100,
      connections: 1,
      projects: 1,
    });
  const { own, d } = await inTurn(rounds, {
    d: () => lab.limitD(perRound, 1),
    own: async () => deliveriesPerS(await publish()),
  });
  const { a, b } = await inTurn(fewRounds, {
    a: () => lab.limitSend(perRound, 1),
    b: () => lab.limitSend(perRound, 32),
  });
  await lab.gateway.removeWebhooks(uuids);
  const common = { value: own, better: "higher", unit: "deliveries/s" } as const;
  return {
    "strict-1": figure({ ...common, limit: d, goal: 0.8, against: "limit D" }),
    "strict-1 to A": figure({ ...common, limit: a, goal: null, against: "limit A: sends one after another" }),
    "strict-1 to B": figure({ ...common, limit: b, goal: null, against: "limit B: sends 32 at once" }),
  };
}

/** Every event to `width` webhooks. To 100, a round is one request of 50 events: a batch of fewer would not be one. */
export async function fan(lab: Lab, width: 10 | 100): Promise<Figures> {
  const name = `fan-${width}`;
  const isWide = width === 100;
  const perRound = isWide ? Math.ceil(lab.sizes.events / 100) * 100 : roundSize(lab, 100);
  const url = lab.receiverUrl(`/ok/${name}/`);
  const uuids = await lab.gateway.makeWebhooks(width, { url });
  const publish = () =>
    lab.publish({
      path: `/${name}/`,
      deliveries: perRound,
      events: perRound / width,
      batch: 100,
      connections: 1,
      projects: 1,
    });
  const { own, d } = await inTurn(isWide ? fewRounds : rounds, {
    d: () => lab.limitD(perRound, width),
    own: async () => deliveriesPerS(await publish()),
  });
  await lab.gateway.removeWebhooks(uuids);
  return {
    [name]: figure({
      value: own,
      limit: d,
      goal: 0.8,
      better: "higher",
      unit: "deliveries/s",
      against: `limit D, ${width} lanes`,
    }),
  };
}

/** Events by the queue, each to one of 10 webhooks. */
export async function queue(lab: Lab): Promise<Figures> {
  const perRound = roundSize(lab, 100);
  const uuids = await lab.gateway.makeWebhooks(10, { url: lab.receiverUrl("/ok/queue"), firstProject: 0 });
  const { own, d } = await inTurn(rounds, {
    d: () => lab.limitD(perRound, 10),
    own: () => lab.deliveryRate("/queue", perRound, () => lab.sendToQueue(perRound, 10)),
  });
  await lab.gateway.removeWebhooks(uuids);
  return {
    queue: figure({
      value: own,
      limit: d,
      goal: 0.6,
      better: "higher",
      unit: "deliveries/s",
      against: "limit D, 10 lanes",
    }),
  };
}

/** A round's share of the events, in whole batches. */
function roundSize(lab: Lab, batch: number): number {
  return Math.max(Math.round(lab.sizes.events / rounds.counted / batch), 1) * batch;
}
