import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { BorrowedGateway } from "./borrowed-gateway.ts";
import { call, createWebhook, makeEvent, publish, type Webhook, webhookPath } from "./client.ts";
import { eventually } from "./eventually.ts";
import { type Answer, type Arrival, eventUuid, Receiver } from "./receiver.ts";

const type = "project:created";
const eventCount = 3;
/** For what is meant to end by time, and for the same webhook afterwards. */
const shortTimeoutS = 5;
const longTimeoutS = 30;
const hugeBytes = 20_000_000;

/** How a receiver fails, the class that the log gives it, and the status that came. */
const failures: { how: string; answer: Answer; error: string; status: number | null }[] = [
  { how: "does not answer in time", answer: () => new Promise(() => {}), error: "timeout", status: null },
  { how: "answers in time with a body that trickles on", answer: trickle, error: "http_5xx", status: 500 },
  { how: "answers 302", answer: () => 302, error: "redirect", status: 302 },
  { how: "answers 500", answer: () => 500, error: "http_5xx", status: 500 },
  { how: "answers 404", answer: () => 404, error: "http_4xx", status: 404 },
  { how: "cuts the connection before it answers", answer: cutAtOnce, error: "connection", status: null },
  { how: "cuts the connection in its answer", answer: cutInAnswer, error: "http_5xx", status: 500 },
];

describe("a receiver that", () => {
  let gateway: BorrowedGateway;
  beforeAll(async () => {
    gateway = await BorrowedGateway.borrow();
    return () => gateway.giveBack();
  });

  test.each(failures)(
    "$how is logged as $error, and gets everything in order once it is mended",
    async (failure) => {
      const receiver = await Receiver.start(failure.answer);
      const endsByTime = failure.error === "timeout" || failure.answer === trickle;
      const { webhook, events } = await publishTo(receiver, endsByTime ? shortTimeoutS : longTimeoutS);
      const head = await failedHead(webhook);
      const { error, status } = failure;
      expect(head).toMatchObject({ sequence: 1, last_error: error, last_status: status });
      expect(head.attempts[0]).toMatchObject({ number: 1, error, status });

      await changeTimeout(webhook, longTimeoutS);
      const failed = receiver.arrivals.length;
      receiver.answer = () => 200;
      await redeliver(webhook, head);
      expect(await allInOrder(() => receiver.arrivals.slice(failed))).toEqual(events.map(({ uuid }) => uuid));
    },
  );

  test("refuses connections is logged as connection, and gets everything in order once it listens", async () => {
    const receiver = await Receiver.start();
    await receiver.stop();
    const { webhook, events } = await publishTo(receiver);
    const head = await failedHead(webhook);
    expect(head).toMatchObject({ sequence: 1, last_error: "connection", last_status: null });

    await receiver.start();
    await redeliver(webhook, head);
    expect(await allInOrder(() => receiver.arrivals)).toEqual(events.map(({ uuid }) => uuid));
  });

  test("redirects is not followed", async () => {
    const elsewhere = await Receiver.start();
    const receiver = await Receiver.start((_arrival, response) => {
      response.writeHead(302, { Location: elsewhere.url }).end();
      return "answered";
    });
    const { webhook } = await publishTo(receiver);
    expect(await failedHead(webhook)).toMatchObject({ last_error: "redirect", last_status: 302 });
    expect(elsewhere.arrivals).toEqual([]);
  });

  test("answers 410 disables its webhook, and gets everything in order after it is resumed", async () => {
    const receiver = await Receiver.start(() => 410);
    const { webhook, events } = await publishTo(receiver);
    const disabled = await eventually("the webhook is disabled", async () => {
      const { json } = await call(gateway, "GET", webhookPath(webhook));
      return (json as Webhook).state === "disabled" ? (json as Webhook) : null;
    });
    expect(disabled.disabled_reason).toBe("The receiver answered 410 Gone.");
    expect(receiver.arrivals).toHaveLength(1);

    receiver.answer = () => 200;
    const resumed = await call(gateway, "POST", webhookPath(webhook, "/resume"));
    expect(resumed).toMatchObject({ status: 200, json: { state: "active", disabled_reason: null } });
    await eventually("everything arrives", () => receiver.arrivals.length > eventCount);
    expect(receiver.arrivals.slice(1).map(eventUuid)).toEqual(events.map(({ uuid }) => uuid));
  });

  test("answers 200 with 20 MB has succeeded, and harms nobody", async () => {
    const receiver = await Receiver.start((_arrival, response) => {
      response.writeHead(200).end(Buffer.alloc(hugeBytes, "x"));
      return "answered";
    });
    const { webhook } = await publishTo(receiver);
    const deliveries = await eventually("all are delivered", async () => {
      const delivered = await listDeliveries(webhook, "delivered");
      return delivered.length === eventCount ? delivered : null;
    });

    expect(deliveries).toMatchObject([3, 2, 1].map((sequence) => ({ sequence, attempts_made: 1 })));
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });

  test("never answers does not hold up the webhook of another one", async () => {
    const dead = await Receiver.start(() => new Promise(() => {}));
    const living = await Receiver.start();
    const ownType = "project:updated";
    const deadWebhook = await createWebhook(gateway, { url: dead.url, eventTypes: [ownType] });
    await createWebhook(gateway, { url: living.url, eventTypes: [ownType] });
    const events = Array.from({ length: 50 }, () => makeEvent(ownType));
    for (const event of events) await publish(gateway, event);

    await eventually("the living one has everything", () => living.arrivals.length >= events.length);
    expect(living.arrivals.map(eventUuid)).toEqual(events.map(({ uuid }) => uuid));
    await eventually("the dead one is called", () => dead.arrivals.length > 0);
    expect(await listDeliveries(deadWebhook, "delivered")).toEqual([]);
  });

  test.each(["keyed", "none"])("hangs for one job holds up no other one in %s ordering", async (ordering) => {
    const ownType = "project:one-off-job:started";
    const answer = Promise.withResolvers<number>();
    let hasEnded = false;
    const receiver = await Receiver.start(({ sequence }, response) => {
      if (sequence > 1) return 200;
      response.once("close", () => (hasEnded = true));
      return answer.promise;
    });
    const spec = { url: receiver.url, ordering, timeout_s: 30, eventTypes: [ownType] };
    const webhook = await createWebhook(gateway, spec);
    onTestFinished(async () => void (await call(gateway, "DELETE", webhookPath(webhook))));
    for (let sequence = 1; sequence <= 4; sequence++) {
      const project = { uuid: randomUUID(), job: { uuid: randomUUID() } };
      await publish(gateway, { ...makeEvent(ownType), project });
      await eventually("it arrives", () => receiver.arrivals.length >= sequence);
    }
    expect(hasEnded).toBe(false);
    expect(receiver.arrivals.map((arrival) => arrival.sequence)).toEqual([1, 2, 3, 4]);
    answer.resolve(200);
    await eventually(
      "all are delivered",
      async () => (await listDeliveries(webhook, "delivered")).length === 4,
    );
  });

  /** Publishes for a webhook that goes with its test: events of another one are none of its business. */
  async function publishTo(receiver: Receiver, timeout_s = longTimeoutS) {
    const webhook = await createWebhook(gateway, { url: receiver.url, timeout_s, eventTypes: [type] });
    onTestFinished(async () => void (await call(gateway, "DELETE", webhookPath(webhook))));
    const events = Array.from({ length: eventCount }, () => makeEvent(type));
    await publish(gateway, events);
    return { webhook, events };
  }

  async function listDeliveries(webhook: Webhook, status: string): Promise<Delivery[]> {
    const { json } = await call(gateway, "GET", webhookPath(webhook, `/deliveries?status=${status}`));
    return (json as { deliveries: Delivery[] }).deliveries;
  }

  /** The first delivery in full, as soon as its first attempt has failed. */
  async function failedHead(webhook: Webhook): Promise<Delivery> {
    const failed = async () => (await listDeliveries(webhook, "failed"))[0];
    const { uuid } = await eventually("an attempt has failed", failed);
    const { json } = await call(gateway, "GET", webhookPath(webhook, `/deliveries/${uuid}`));
    return json as Delivery;
  }

  async function changeTimeout(webhook: Webhook, timeout_s: number): Promise<void> {
    const path = `/api/notifications/subscribers/webhooks/${webhook.uuid}`;
    expect(await call(gateway, "PUT", path, { timeout_s })).toMatchObject({ status: 200 });
  }

  async function redeliver(webhook: Webhook, { uuid }: Delivery): Promise<void> {
    const { status } = await call(gateway, "POST", webhookPath(webhook, `/deliveries/${uuid}/redeliver`));
    expect(status).toBe(202);
  }
});

type Delivery = { uuid: string; sequence: number; attempts_made: number; attempts: unknown[] };

/** The events of so many deliveries, each where it came first: the head's own retry and its redelivery may both come. */
async function allInOrder(arrivals: () => Arrival[]): Promise<string[]> {
  const uuids = () => [...new Set(arrivals().map(eventUuid))];
  await eventually("everything arrives", () => uuids().length >= eventCount);
  return uuids();
}

/** Headers at once, then a byte every 300 ms for longer than the webhook's time-out. */
async function trickle(_arrival: unknown, response: ServerResponse): Promise<"answered"> {
  response.writeHead(500);
  for (let left = 20; left > 0 && !response.destroyed; left--) {
    response.write(".");
    await wait(300);
  }
  response.end();
  return "answered";
}

function cutAtOnce(_arrival: unknown, response: ServerResponse): "answered" {
  response.destroy();
  return "answered";
}

/** Promises 100 bytes, sends 4 and cuts. */
async function cutInAnswer(_arrival: unknown, response: ServerResponse): Promise<"answered"> {
  response.writeHead(500, { "Content-Length": "100" });
  await new Promise((resolve) => response.write("half", resolve));
  response.destroy();
  return "answered";
}
