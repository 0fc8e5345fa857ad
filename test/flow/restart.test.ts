import { expect, onTestFinished, test } from "vitest";
import { call, createWebhook, makeEvent, publish } from "./client.ts";
import { eventually } from "./eventually.ts";
import { Gateway } from "./gateway.ts";
import { eventUuid, Receiver } from "./receiver.ts";

const type = "project:created";

test("webhooks and undelivered events are still there after a stop and a start", async () => {
  const gateway = await Gateway.start();
  onTestFinished(() => gateway.remove());
  const receiver = await Receiver.start();
  const webhook = await createWebhook(gateway, { url: receiver.url, eventTypes: [type] });
  await receiver.stop();
  const events = Array.from({ length: 5 }, () => makeEvent(type));
  for (const event of events) await publish(gateway, event);

  await gateway.stop();
  await receiver.start();
  await gateway.start();

  expect(await call(gateway, "GET", `/api/notifications/subscribers/${webhook.uuid}`)).toEqual({
    status: 200,
    json: webhook,
  });
  const hasAll = () => receiver.arrivals.length >= events.length;
  await eventually("what was published before the stop arrives", hasAll, { withinMs: 60_000 });
  expect(receiver.arrivals.map(eventUuid)).toEqual(events.map(({ uuid }) => uuid));
});
