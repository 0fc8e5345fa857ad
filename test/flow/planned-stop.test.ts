import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { createWebhook, makeEvent, publish } from "./client.ts";
import { eventually } from "./eventually.ts";
import { Gateway } from "./gateway.ts";
import { eventUuid, Receiver } from "./receiver.ts";

const answerAfterMs = 400;
const webhookCount = 4;
const eventCount = 12;

test("npm start that is stopped, by SIGTERM or SIGINT to all its processes, repeats nothing after the next start", async () => {
  const receiver = await Receiver.start(async () => {
    await wait(answerAfterMs);
    return 200;
  });
  const gateway = await Gateway.start();
  try {
    const type = "project:created";
    for (let n = 0; n < webhookCount; n++) {
      await createWebhook(gateway, { url: `${receiver.url}/${n}`, eventTypes: [type] });
    }
    const events = Array.from({ length: eventCount }, () => makeEvent(type));
    await publish(gateway, events);
    for (const [stops, signal] of (["SIGTERM", "SIGINT"] as const).entries()) {
      const seen = receiver.arrivals.length;
      await eventually("attempts are under way", () => receiver.arrivals.length > seen + stops + 2);
      expect(await gateway.stop(signal)).toBe(0);
      await gateway.start();
    }
    const all = webhookCount * eventCount;
    await eventually("all are delivered", () => receiver.arrivals.length >= all);
    const keys = receiver.arrivals.map((arrival) => `${arrival.path} ${eventUuid(arrival)}`);
    expect(keys).toHaveLength(all);
    expect(new Set(keys).size).toBe(all);
  } finally {
    await gateway.remove();
  }
});

test("a second signal ends npm start at once, also while a receiver hangs", async () => {
  const receiver = await Receiver.start(() => new Promise(() => {}));
  const gateway = await Gateway.start();
  try {
    const type = "project:created";
    await createWebhook(gateway, { url: receiver.url, eventTypes: [type], timeout_s: 30 });
    await publish(gateway, makeEvent(type));
    await eventually("an attempt is under way", () => receiver.arrivals.length > 0);
    const stopped = gateway.stop("SIGINT");
    await gateway.interruptAgain();
    expect(await stopped).toBe(1);
  } finally {
    await gateway.remove();
  }
});
