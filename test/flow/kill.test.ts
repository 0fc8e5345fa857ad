import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { createWebhook, isAccepted, makeEvent, publish } from "./client.ts";
import { eventually } from "./eventually.ts";
import { Gateway } from "./gateway.ts";
import { type Arrival, eventUuid, firstSequences, Receiver } from "./receiver.ts";

const type = "project:created";
const answerAfterMs = 5;
const drainWithinMs = 90_000;

describe("a gateway that is killed in the middle of its deliveries", () => {
  test("delivers all of 500 events after the next start, in order and at most one of them twice", async () => {
    const { gateway, receiver } = await startBoth();
    const events = Array.from({ length: 500 }, () => makeEvent(type));
    for (let from = 0; from < events.length; from += 100)
      await publish(gateway, events.slice(from, from + 100));
    await eventually("200 deliveries arrived", () => receiver.arrivals.length >= 200);
    await gateway.kill();
    expect(receiver.arrivals.length).toBeLessThan(events.length);
    await gateway.start();

    await untilLastArrives(receiver, events.length);
    expect(summary(receiver.arrivals)).toEqual(allInOrder(events));
  });

  test("loses nothing of a publisher that repeats what was not accepted", async () => {
    const { gateway, receiver } = await startBoth();
    const events = Array.from({ length: 200 }, () => makeEvent(type));
    const restarted = eventually("100 deliveries arrived", () => receiver.arrivals.length >= 100)
      .then(() => gateway.kill())
      .then(() => gateway.start());
    for (const event of events) {
      await eventually("an event is accepted", () => isAccepted(gateway, event), { withinMs: drainWithinMs });
    }
    await restarted;

    await untilLastArrives(receiver, events.length);
    expect(summary(receiver.arrivals)).toEqual(allInOrder(events));
  });
});

async function startBoth(): Promise<{ gateway: Gateway; receiver: Receiver }> {
  const gateway = await Gateway.start();
  onTestFinished(() => gateway.remove());
  const receiver = await Receiver.start(() => wait(answerAfterMs, 200));
  await createWebhook(gateway, { url: receiver.url, eventTypes: [type] });
  return { gateway, receiver };
}

async function untilLastArrives(receiver: Receiver, last: number): Promise<void> {
  const hasLast = () => receiver.arrivals.some(({ sequence }) => sequence === last);
  await eventually("the last delivery arrives", hasLast, { withinMs: drainWithinMs });
}

/** What arrived, each where it came first, and how often something came again. */
function summary(arrivals: Arrival[]) {
  const sequences = firstSequences(arrivals);
  return {
    sequences,
    events: [...new Set(arrivals.map(eventUuid))],
    deliveries: new Set(arrivals.map(({ headers }) => headers["x-orchest-delivery"])).size,
    repeats: arrivals.length - sequences.length,
  };
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
