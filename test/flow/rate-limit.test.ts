import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, createWebhook, makeEvent, publish, webhookPath } from "./client.ts";
import { eventually } from "./eventually.ts";
import { Gateway } from "./gateway.ts";
import { type Arrival, eventUuid, firstSequences, Receiver } from "./receiver.ts";

const ratePerS = 20;
const eventCount = 60;

describe("a webhook with a limit of 20 per second that gets a burst of 60 events", () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await Gateway.start();
  });
  afterAll(() => gateway.remove());

  test("receives all of them in order, none failed, and never more than its limit in one second", async () => {
    const { receiver, webhook, events } = await publishBurst("project:created");
    await untilLastArrives(receiver, eventCount);

    expect(receiver.arrivals.map(eventUuid)).toEqual(events.map(({ uuid }) => uuid));
    expect(receiver.arrivals.map(({ attempt }) => attempt)).toEqual(events.map(() => 1));
    expect(mostInOneSecond(receiver.arrivals)).toBeLessThanOrEqual(ratePerS + 1);
    const counts = await eventually("all are recorded", () => countsWithoutBacklog(gateway, webhook));
    expect(counts).toEqual({ pending: 0, delivered: eventCount, failed: 0, dead: 0 });
  });

  test("does not receive a second burst after a kill in its middle, when a new event wakes the gateway", async () => {
    const type = "project:updated";
    const { receiver, events } = await publishBurst(type);
    await eventually("a third arrived", () => receiver.arrivals.length >= eventCount / 3);
    await gateway.kill();
    expect(receiver.arrivals.length).toBeLessThan(eventCount);
    await gateway.start();
    events.push(makeEvent(type));
    await publish(gateway, events.at(-1));
    await untilLastArrives(receiver, events.length);

    expect(firstSequences(receiver.arrivals)).toEqual(events.map((_event, index) => index + 1));
    expect([...new Set(receiver.arrivals.map(eventUuid))]).toEqual(events.map(({ uuid }) => uuid));
    expect(receiver.arrivals.length - events.length).toBeOneOf([0, 1]);
    expect(mostInOneSecond(receiver.arrivals)).toBeLessThanOrEqual(ratePerS + 1);
  });

  async function publishBurst(type: string) {
    const receiver = await Receiver.start();
    const webhook = await createWebhook(gateway, {
      url: receiver.url,
      rate_limit_per_s: ratePerS,
      eventTypes: [type],
    });
    const events = Array.from({ length: eventCount }, () => makeEvent(type));
    await publish(gateway, events);
    return { receiver, webhook, events };
  }
});

async function untilLastArrives(receiver: Receiver, last: number): Promise<void> {
  const hasLast = () => receiver.arrivals.some(({ sequence }) => sequence === last);
  await eventually("the last delivery arrives", hasLast, { withinMs: 60_000 });
}

async function countsWithoutBacklog(gateway: Gateway, webhook: { uuid: string }): Promise<unknown> {
  const { json } = await call(gateway, "GET", webhookPath(webhook, "/stats"));
  const { backlog, counts } = json as { backlog: number; counts: unknown };
  return backlog === 0 ? counts : null;
}

/**
 * The most arrivals in any window of one second. One more than the limit is within it: a delivery begins when the
 * one before it was answered at the earliest, so that only the window's first one can have been on its way for long.
 */
function mostInOneSecond(arrivals: Arrival[]): number {
  const times = arrivals.map(({ at }) => at);
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));
}
