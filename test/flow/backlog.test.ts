import { setTimeout as wait } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createWebhook, makeEvent, publish } from "./client.ts";
import { eventually } from "./eventually.ts";
import { Gateway } from "./gateway.ts";
import { Receiver } from "./receiver.ts";

const type = "project:created";
const eventCount = 100;
const answerAfterMs = 1_000;
const drainWithinMs = 180_000;

test(
  "a backlog of 100 events for a slow receiver is drained to its end with nobody calling, none twice",
  { timeout: drainWithinMs + 60_000 },
  async () => {
    const gateway = await Gateway.start();
    onTestFinished(() => gateway.remove());
    let answered = 0;
    const receiver = await Receiver.start(async () => {
      await wait(answerAfterMs);
      answered += 1;
      return 200;
    });
    await createWebhook(gateway, { url: receiver.url, timeout_s: 30, eventTypes: [type] });
    await publish(
      gateway,
      Array.from({ length: eventCount }, () => makeEvent(type)),
    );

    const isDrained = () => answered >= eventCount;
    await eventually("every event is answered", isDrained, { withinMs: drainWithinMs });
    expect(receiver.arrivals.map(({ sequence, attempt }) => `${sequence}/${attempt}`)).toEqual(
      Array.from({ length: eventCount }, (_, index) => `${index + 1}/1`),
    );
  },
);
