import { beforeAll, describe, expect, test } from "vitest";
import { createWebhook, isAccepted, makeEvent, publish } from "./client.ts";
import { eventually } from "./eventually.ts";
import { Gateway } from "./gateway.ts";
import { isLive, isReplayed, type KilledReplay, killReplay, liveCount, oldCount } from "./killed-replay.ts";
import { OneKill } from "./one-kill.ts";
import { type Arrival, eventUuid, firstSequences, mostInOneSecond, Receiver } from "./receiver.ts";

const answerAfterMs = 5;
const ratePerS = 20;
const scenarioCount = 4;

type Outcome = { events: { uuid: string }[]; arrivals: Arrival[]; arrivedAtKill: number };

/** A kill in the middle of all of these at once, each with a webhook of its own. */
let backlog: Outcome;
let repeating: Outcome;
let paced: Outcome;
let replay: KilledReplay;

beforeAll(async () => {
  const gateway = await Gateway.start();
  const kill = new OneKill(gateway, scenarioCount);
  [backlog, repeating, paced, replay] = await Promise.all([
    killBacklog(kill),
    killPublisher(kill),
    killPaced(kill),
    killReplay(kill),
  ]).catch(async (error: unknown) => {
    await gateway.remove();
    throw error;
  });
  return () => gateway.remove();
});

describe("a gateway that is killed in the middle of its deliveries", () => {
  test("delivers all of 300 events after the next start, in order and at most one of them twice", () => {
    const { events, arrivals, arrivedAtKill } = backlog;
    expect(events).toHaveLength(300);
    expect(arrivedAtKill).toBeLessThan(events.length);
    expect(summary(arrivals)).toEqual(allInOrder(events));
  });

  test("loses nothing of a publisher that repeats what was not accepted", () => {
    const { events, arrivals, arrivedAtKill } = repeating;
    expect(events).toHaveLength(150);
    expect(arrivedAtKill).toBeLessThan(events.length);
    expect(summary(arrivals)).toEqual(allInOrder(events));
  });

  test("sends no second burst of a webhook with a limit of 20 per second, when a new event wakes it", () => {
    const { events, arrivals, arrivedAtKill } = paced;
    expect(events).toHaveLength(61);
    expect(arrivedAtKill).toBeLessThan(events.length - 1);
    expect(summary(arrivals)).toEqual(allInOrder(events));
    expect(mostInOneSecond(arrivals)).toBeLessThanOrEqual(ratePerS + 1);
  });
});

describe("a replay of 1,200 deliveries, during which 120 live events are published and the gateway is killed", () => {
  test("delivers every live event in the order of its sequence, at most one of them twice", () => {
    const arrivals = replay.arrivals.filter(isLive);
    expect({ sequences: firstSequences(arrivals), events: firstEvents(arrivals) }).toEqual({
      sequences: replay.live.map((_event, index) => oldCount + index + 1),
      events: replay.live.map(({ uuid }) => uuid),
    });
    expect(replay.live).toHaveLength(liveCount);
    expect(arrivals.length - liveCount).toBeOneOf([0, 1]);
  });

  test("sends every one of the 1,200 again in their own order, at most one of them twice", () => {
    const arrivals = replay.arrivals.filter(isReplayed);
    expect({ sequences: firstSequences(arrivals), events: firstEvents(arrivals) }).toEqual({
      sequences: replay.old.map((_event, index) => index + 1),
      events: replay.old.map(({ uuid }) => uuid),
    });
    expect(replay.old).toHaveLength(oldCount);
    expect(arrivals.length - oldCount).toBeOneOf([0, 1]);
  });

  test("names itself, keeps the delivery's uuid and counts its attempts on", () => {
    const first = replay.arrivals.slice(0, oldCount).map(({ headers }) => headers["x-orchest-delivery"]);
    const replayed = replay.arrivals.filter(isReplayed);
    const unlike = replayed.filter(
      ({ headers, sequence, attempt }) =>
        headers["x-orchest-replay"] !== replay.id ||
        headers["x-orchest-delivery"] !== first[sequence - 1] ||
        attempt !== 2,
    );
    expect(replayed.length).toBeGreaterThanOrEqual(oldCount);
    expect(unlike).toEqual([]);
  });

  test("survives the kill in its middle and ends as done, with everything sent", () => {
    expect(replay.replayedAtKill).toBeGreaterThan(0);
    expect(replay.replayedAtKill).toBeLessThan(oldCount);
    expect(replay.progress).toMatchObject({ sent: oldCount, done: true });
    expect(replay.queued).toBeGreaterThanOrEqual(1_000);
    expect(replay.progress.sent).toBeGreaterThanOrEqual(replay.progress.queued);
  });

  test("does not hold the live events up until its end", () => {
    const end = replay.arrivals.findLastIndex(isReplayed);
    expect(replay.arrivals.slice(0, end).filter(isLive).length).toBeGreaterThanOrEqual(liveCount / 2);
  });
});

/** Nobody calls for it after the start. */
async function killBacklog(kill: OneKill): Promise<Outcome> {
  // The replay takes its time until it is under way.
  await kill.onlyLeft(scenarioCount - 1);
  const type = "project:created";
  const events = Array.from({ length: 300 }, () => makeEvent(type));
  const receiver = await receive(kill, { type, slowFrom: 250 });
  for (let from = 0; from < events.length; from += 100)
    await publish(kill.gateway, events.slice(from, from + 100));
  return outcome(kill, { receiver, events, middle: 100 });
}

/** Publishes one after the other, over the kill. */
async function killPublisher(kill: OneKill): Promise<Outcome> {
  await kill.onlyLeft(scenarioCount - 1);
  const type = "project:updated";
  const events = Array.from({ length: 150 }, () => makeEvent(type));
  const receiver = await receive(kill, { type, slowFrom: Infinity });
  const all = outcome(kill, { receiver, events, middle: 50 });
  for (const [index, event] of events.entries()) {
    // However fast it is, some are left for the kill.
    if (index === 100) await kill.begun;
    await eventually("an event is accepted", () => isAccepted(kill.gateway, event));
  }
  return all;
}

/** A burst for a webhook with a limit; one more event after the start wakes it. */
async function killPaced(kill: OneKill): Promise<Outcome> {
  // Last of all: what is left of its burst, slowed down, keeps it in its middle for minutes.
  await kill.onlyLeft(1);
  const type = "project:environment:created";
  const events = Array.from({ length: 61 }, () => makeEvent(type));
  const receiver = await receive(kill, { type, slowFrom: 30, limit: { rate_limit_per_s: ratePerS } });
  await publish(kill.gateway, events.slice(0, -1));
  const afterStart = () => publish(kill.gateway, events.at(-1));
  return outcome(kill, { receiver, events, middle: 20, afterStart });
}

/** The receiver of a new webhook. @param slowFrom the number of arrivals after which it waits for the kill. */
async function receive(
  kill: OneKill,
  { type, slowFrom, limit = {} }: { type: string; slowFrom: number; limit?: { rate_limit_per_s?: number } },
): Promise<Receiver> {
  const receiver: Receiver = await Receiver.open();
  receiver.answer = kill.answer(() => receiver.arrivals.length > slowFrom, answerAfterMs);
  const spec = { url: receiver.url, eventTypes: [type], ...limit };
  await createWebhook(kill.gateway, spec);
  return receiver;
}

/** Calls for the kill once `middle` deliveries have arrived, and waits until the last one has. */
async function outcome(
  kill: OneKill,
  wanted: {
    receiver: Receiver;
    events: { uuid: string }[];
    middle: number;
    afterStart?: () => Promise<void>;
  },
): Promise<Outcome> {
  const { receiver, events, middle, afterStart } = wanted;
  const atKill = kill.done.then(() => receiver.arrivals.length);
  await eventually("the deliveries are under way", () => receiver.arrivals.length >= middle);
  await kill.inTheMiddle();
  await afterStart?.();
  await eventually("the last delivery arrives", () => receiver.hasReceived(events.length));
  await receiver.stop();
  return { events, arrivals: receiver.arrivals, arrivedAtKill: await atKill };
}

/** What arrived, each where it came first, and how often something came again. */
function summary(arrivals: Arrival[]) {
  const sequences = firstSequences(arrivals);
  return {
    sequences,
    events: firstEvents(arrivals),
    deliveries: new Set(arrivals.map(({ headers }) => headers["x-orchest-delivery"])).size,
    repeats: arrivals.length - sequences.length,
  };
}

function firstEvents(arrivals: Arrival[]): string[] {
  return [...new Set(arrivals.map(eventUuid))];
}

/** None missing, none before its turn, and at most the one repeated whose answer the kill cut off. */
function allInOrder(events: { uuid: string }[]) {
  return {
    sequences: events.map((_event, index) => index + 1),
    events: events.map(({ uuid }) => uuid),
    deliveries: events.length,
    repeats: expect.toBeOneOf([0, 1]) as unknown,
  };
}
