import { setTimeout as wait } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { BorrowedGateway } from "./borrowed-gateway.ts";
import { createWebhook, makeEvent, publish } from "./client.ts";
import { eventually } from "./eventually.ts";
import { Receiver } from "./receiver.ts";

const type = "project:created";
/** Together with `answerAfterMs` 80 s: a drain that nobody keeps alive is evicted after about 70 s. */
const eventCount = 40;
const answerAfterMs = 2_000;

test("a backlog of 40 events for a slow receiver is drained to its end with nobody calling, none twice", async () => {
  const gateway = await BorrowedGateway.borrow();
  onTestFinished(() => gateway.giveBack());
  let answered = 0;
  const receiver = await Receiver.start(async () => {
    await wait(answerAfterMs);
    answered += 1;
    return 200;
  });
  await createWebhook(gateway, { url: receiver.url, eventTypes: [type] });
  await publish(
    gateway,
    Array.from({ length: eventCount }, () => makeEvent(type)),
  );

  await eventually("every event is answered", () => answered >= eventCount);
  expect(receiver.arrivals.map(({ sequence, attempt }) => `${sequence}/${attempt}`)).toEqual(
    Array.from({ length: eventCount }, (_, index) => `${index + 1}/1`),
  );
});
