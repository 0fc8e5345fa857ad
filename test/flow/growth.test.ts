import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createWebhook, isAccepted, makeEvent } from "./client.ts";
import { eventually } from "./eventually.ts";
import { Gateway } from "./gateway.ts";
import { eventUuid, Receiver } from "./receiver.ts";

/** Published one after the other before the growth, and at least as many after it. */
const eventsAtLeast = 60;

let gateway: Gateway;
let receivers: Receiver[];

beforeAll(async () => {
  gateway = await Gateway.start(undefined, { env: { EVENT_SHARDS: "2" } });
  receivers = [await Receiver.open(), await Receiver.open()];
});
afterAll(async () => {
  for (const receiver of receivers) await receiver.stop();
  await gateway.remove();
});

test("a gateway that is started with more event shards, while publishers go on, delivers each event once and in order", async () => {
  const types = ["project:created", "project:updated"];
  const published = types.map((): string[] => []);
  let isGrown = false;
  /** Publishes one after the other, each until it is accepted. */
  const publishing = types.map(async (type, place) => {
    const own = published[place] ?? [];
    await createWebhook(gateway, { url: receivers[place]?.url ?? "", eventTypes: [type] });
    for (let left = eventsAtLeast; left > 0; left -= isGrown ? 1 : 0) {
      const event = makeEvent(type);
      await eventually("an event is accepted", () => isAccepted(gateway, event));
      own.push(event.uuid);
    }
  });
  await eventually("events were published", () => published.every((own) => own.length >= eventsAtLeast));
  expect(await gateway.stop()).toBe(0);
  await gateway.start({ args: ["--verbose"], env: { EVENT_SHARDS: "4" } });
  await eventually("the event shards grew", () => gateway.output.includes("event shards grew"));
  isGrown = true;
  await Promise.all(publishing);
  for (const [place, own] of published.entries()) {
    const receiver = receivers[place];
    await eventually("the last event arrived", () => receiver?.hasReceived(own.length));
    expect(receiver?.arrivals.map(eventUuid)).toEqual(own);
  }
  for (const uuid of [published[0]?.[0], published[1]?.at(-1)]) {
    const { status, json } = await call(gateway, "GET", `/api/events/${uuid}`);
    expect({ status, json }).toMatchObject({ status: 200, json: { uuid } });
  }
});
