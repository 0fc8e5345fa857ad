import { beforeAll, describe, expect, test } from "vitest";
import { BorrowedGateway } from "./borrowed-gateway.ts";
import { call, createWebhook, makeEvent, publish, webhookPath } from "./client.ts";
import { eventually } from "./eventually.ts";
import { eventUuid, mostInOneSecond, Receiver } from "./receiver.ts";

const ratePerS = 20;
const eventCount = 60;

describe("a webhook with a limit of 20 per second that gets a burst of 60 events", () => {
  let gateway: BorrowedGateway;
  beforeAll(async () => {
    gateway = await BorrowedGateway.borrow();
    return () => gateway.giveBack();
  });

  test("receives all of them in order, none failed, and never more than its limit in one second", async () => {
    const type = "project:created";
    const receiver = await Receiver.start();
    const webhook = await createWebhook(gateway, {
      url: receiver.url,
      rate_limit_per_s: ratePerS,
      eventTypes: [type],
    });
    const events = Array.from({ length: eventCount }, () => makeEvent(type));
    await publish(gateway, events);
    await eventually("the last delivery arrives", () => receiver.hasReceived(eventCount));

    expect(receiver.arrivals.map(eventUuid)).toEqual(events.map(({ uuid }) => uuid));
    expect(receiver.arrivals.map(({ attempt }) => attempt)).toEqual(events.map(() => 1));
    expect(mostInOneSecond(receiver.arrivals)).toBeLessThanOrEqual(ratePerS + 1);
    const counts = await eventually("all are recorded", () => countsWithoutBacklog(gateway, webhook));
    expect(counts).toEqual({ pending: 0, delivered: eventCount, failed: 0, dead: 0 });
  });
});

async function countsWithoutBacklog(gateway: BorrowedGateway, webhook: { uuid: string }): Promise<unknown> {
  const { json } = await call(gateway, "GET", webhookPath(webhook, "/stats"));
  const { backlog, counts } = json as { backlog: number; counts: unknown };
  return backlog === 0 ? counts : null;
}
