import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, createWebhook, isAccepted, makeEvent, publish, webhookPath } from "./client.ts";
import { eventually } from "./eventually.ts";
import { Gateway } from "./gateway.ts";
import { type Arrival, eventUuid, firstSequences, Receiver } from "./receiver.ts";

const type = "project:created";
const oldCount = 3_000;
const liveCount = 300;
const withinMs = 100_000;

describe("a replay of 3,000 deliveries, during which 300 live events are published and the gateway is killed", () => {
  const old = Array.from({ length: oldCount }, () => makeEvent(type));
  const live = Array.from({ length: liveCount }, () => makeEvent(type));
  let gateway: Gateway;
  let receiver: Receiver;
  let replay: { id: string; queued: number; progress: Progress };
  let replayedAtKill: number;
  beforeAll(async () => {
    gateway = await Gateway.start();
    receiver = await Receiver.open();
    const webhook = await createWebhook(gateway, { url: receiver.url, eventTypes: [type] });
    const since = new Date().toISOString();
    for (let from = 0; from < oldCount; from += 100) await publish(gateway, old.slice(from, from + 100));
    // What is seen here is asked of the gateway only at the end: it has enough to do.
    const hasArrived = () => receiver.arrivals.length >= oldCount;
    await eventually("everything arrives once", hasArrived, { withinMs });
    const isDelivered = async () => (await readStats(gateway, webhook)).counts.delivered === oldCount;
    await eventually("everything is recorded", isDelivered);

    const { id, queued } = await startReplay(gateway, webhook, since);
    const halfOfLive = () => receiver.arrivals.filter(isLive).length >= liveCount / 2;
    const restarted = eventually("half of the live events arrived", halfOfLive, { withinMs })
      .then(() => gateway.kill())
      .then(() => (replayedAtKill = receiver.arrivals.filter(isReplayed).length))
      .then(() => gateway.start());
    for (const event of live)
      await eventually("a live event is accepted", () => isAccepted(gateway, event), { withinMs });
    await restarted;
    const isRepeated = () => receiver.arrivals.filter(isReplayed).length >= oldCount;
    await eventually("everything arrives again", isRepeated, { withinMs });
    const hasLast = () => receiver.arrivals.some(({ sequence }) => sequence === oldCount + liveCount);
    await eventually("the last live event arrives", hasLast, { withinMs });
    const progress = await eventually("the replay is done", () => whenDone(gateway, webhook, id));
    replay = { id, queued, progress };
  }, 4 * withinMs);
  afterAll(async () => {
    await gateway?.remove();
    await receiver?.stop();
  });

  test("delivers every live event in the order of its sequence, at most one of them twice", () => {
    const arrivals = receiver.arrivals.filter(isLive);
    expect({ sequences: firstSequences(arrivals), events: firstEvents(arrivals) }).toEqual({
      sequences: live.map((_event, index) => oldCount + index + 1),
      events: live.map(({ uuid }) => uuid),
    });
    expect(arrivals.length - liveCount).toBeOneOf([0, 1]);
  });

  test("sends every one of the 3,000 again in their own order, at most one of them twice", () => {
    const arrivals = receiver.arrivals.filter(isReplayed);
    expect({ sequences: firstSequences(arrivals), events: firstEvents(arrivals) }).toEqual({
      sequences: old.map((_event, index) => index + 1),
      events: old.map(({ uuid }) => uuid),
    });
    expect(arrivals.length - oldCount).toBeOneOf([0, 1]);
  });

  test("names itself, keeps the delivery's uuid and counts its attempts on", () => {
    const first = receiver.arrivals.slice(0, oldCount).map(({ headers }) => headers["x-orchest-delivery"]);
    const unlike = receiver.arrivals
      .filter(isReplayed)
      .filter(
        ({ headers, sequence, attempt }) =>
          headers["x-orchest-replay"] !== replay.id ||
          headers["x-orchest-delivery"] !== first[sequence - 1] ||
          attempt !== 2,
      );
    expect(unlike).toEqual([]);
  });

  test("survives the kill in its middle and ends as done, with everything sent", () => {
    expect(replayedAtKill).toBeGreaterThan(0);
    expect(replayedAtKill).toBeLessThan(oldCount);
    expect(replay.progress).toMatchObject({ sent: oldCount, done: true });
    expect(replay.queued).toBeGreaterThanOrEqual(1_000);
    expect(replay.progress.sent).toBeGreaterThanOrEqual(replay.progress.queued);
  });

  test("does not hold the live events up until its end", () => {
    const end = receiver.arrivals.findLastIndex(isReplayed);
    expect(receiver.arrivals.slice(0, end).filter(isLive).length).toBeGreaterThanOrEqual(liveCount / 2);
  });
});

type Progress = { queued: number; sent: number; done: boolean };

function isReplayed({ headers }: Arrival): boolean {
  return headers["x-orchest-replay"] !== undefined;
}

/** Not of a replay, and published after it began. */
function isLive(arrival: Arrival): boolean {
  return !isReplayed(arrival) && arrival.sequence > oldCount;
}

function firstEvents(arrivals: Arrival[]): string[] {
  return [...new Set(arrivals.map(eventUuid))];
}

async function readStats(gateway: Gateway, webhook: { uuid: string }) {
  const { json } = await call(gateway, "GET", webhookPath(webhook, "/stats"));
  return json as { counts: { delivered: number } };
}

async function startReplay(gateway: Gateway, webhook: { uuid: string }, since: string) {
  const { status, json } = await call(gateway, "POST", webhookPath(webhook, "/replay"), {
    since,
    status: "all",
  });
  expect(status).toBe(202);
  const { replay, queued } = json as { replay: string; queued: number };
  return { id: replay, queued };
}

async function whenDone(gateway: Gateway, webhook: { uuid: string }, id: string): Promise<Progress | null> {
  const { json } = await call(gateway, "GET", webhookPath(webhook, `/replays/${id}`));
  const progress = json as Progress;
  return progress.done ? progress : null;
}
