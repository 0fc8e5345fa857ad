import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { BorrowedGateway } from "./borrowed-gateway.ts";
import { call, createWebhook, makeEvent, publish } from "./client.ts";
import { eventually } from "./eventually.ts";
import { eventUuid, hubSignature, Receiver } from "./receiver.ts";

const uuidShape = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe("a delivery", () => {
  let gateway: BorrowedGateway;
  beforeAll(async () => {
    gateway = await BorrowedGateway.borrow();
    return () => gateway.giveBack();
  });

  test("in JSON has the headers, the body and the signature that Orchest sends", async () => {
    const type = "project:created";
    const receiver = await Receiver.start();
    const url = `${receiver.url}/hooks/orchest?team=data`;
    const secret = "sécret 🔑";
    const webhook = await createWebhook(gateway, { url, name: "Zoë", secret, eventTypes: [type] });
    const event = makeEvent(type);
    await publish(gateway, event);

    const delivery = await eventually("the delivery arrives", () => receiver.arrivals[0]);
    expect(delivery).toMatchObject({ method: "POST", path: "/hooks/orchest?team=data" });
    expect(delivery.headers).toMatchObject({
      "x-orchest-event": type,
      "x-orchest-delivery": expect.stringMatching(uuidShape) as string,
      "x-orchest-sequence": "1",
      "x-orchest-attempt": "1",
      "x-hub-signature": hubSignature(secret, delivery.body),
      "user-agent": "Orchest",
      "content-type": "application/json",
    });
    expect(JSON.parse(delivery.body.toString())).toEqual({
      delivered_for: {
        name: "Zoë",
        verify_ssl: false,
        content_type: "application/json",
        uuid: webhook.uuid,
        type: "webhook",
      },
      event,
    });
  });

  test("carries the event's text unchanged: order of keys, spaces, unicode, 1.0 and integers beyond 2^53", async () => {
    const type = "project:updated";
    const receiver = await Receiver.start();
    await createWebhook(gateway, { url: receiver.url, eventTypes: [type] });
    const texts = [1, 2].map(() => unusualEvent(type));
    await publish(gateway, texts[0]);
    await publish(gateway, `[ ${texts[1]} ]`);

    await eventually("both deliveries arrive", () => receiver.arrivals.length >= texts.length);
    expect(receiver.arrivals.map(({ body }) => body.toString())).toEqual(
      texts.map((text) => expect.stringContaining(text) as string),
    );
  });

  test("as a form has exactly two fields, each the JSON text of its part, and a right signature", async () => {
    const type = "project:deleted";
    const content_type = "application/x-www-form-urlencoded";
    const receiver = await Receiver.start();
    const secret = "form secret";
    const { uuid } = await createWebhook(gateway, {
      url: receiver.url,
      secret,
      content_type,
      eventTypes: [type],
    });
    const text = unusualEvent(type);
    await publish(gateway, text);

    const delivery = await eventually("the delivery arrives", () => receiver.arrivals[0]);
    expect(delivery.headers).toMatchObject({
      "content-type": content_type,
      "x-hub-signature": hubSignature(secret, delivery.body),
    });
    const form = new URLSearchParams(delivery.body.toString());
    expect([...form.keys()]).toEqual(["delivered_for", "event"]);
    expect(form.get("event")).toBe(text);
    expect(JSON.parse(form.get("delivered_for") ?? "")).toEqual({
      name: "flow",
      verify_ssl: false,
      content_type,
      uuid,
      type: "webhook",
    });
  });

  test("that fails is tried again, counting up, before anything behind it is sent", async () => {
    const type = "project:environment:created";
    const receiver = await Receiver.start(({ sequence, attempt }) =>
      sequence === 3 && attempt <= 2 ? 503 : 200,
    );
    await createWebhook(gateway, { url: receiver.url, eventTypes: [type] });
    const events = Array.from({ length: 6 }, () => makeEvent(type));
    for (const event of events) await publish(gateway, event);

    await eventually("the last delivery arrives", () =>
      receiver.arrivals.some(({ sequence }) => sequence === 6),
    );
    expect(receiver.arrivals.map(({ sequence, attempt }) => `${sequence}/${attempt}`)).toEqual([
      "1/1",
      "2/1",
      "3/1",
      "3/2",
      "3/3",
      "4/1",
      "5/1",
      "6/1",
    ]);
    const inOrder = [...new Set(receiver.arrivals.map(eventUuid))];
    expect(inOrder).toEqual(events.map(({ uuid }) => uuid));
    const deliveriesOfThird = receiver.arrivals
      .slice(2, 5)
      .map(({ headers }) => headers["x-orchest-delivery"]);
    expect(new Set(deliveriesOfThird).size).toBe(1);
  });

  test("of a ping has neither sequence nor attempt, and an event of three fields", async () => {
    const receiver = await Receiver.start();
    const secret = "ping secret";
    const { uuid } = await createWebhook(gateway, { url: receiver.url, secret, eventTypes: [] });
    const ping = await call(gateway, "GET", `/api/notifications/subscribers/test-ping-delivery/${uuid}`);

    expect(ping).toEqual({ status: 200, json: { message: "success" } });
    const [delivery] = receiver.arrivals;
    expect(delivery?.headers).toMatchObject({
      "x-orchest-event": "ping",
      "x-orchest-delivery": expect.stringMatching(uuidShape) as string,
      "x-hub-signature": hubSignature(secret, delivery?.body ?? ""),
    });
    expect(delivery?.headers).not.toHaveProperty("x-orchest-sequence");
    expect(delivery?.headers).not.toHaveProperty("x-orchest-attempt");
    const { event } = JSON.parse(delivery?.body.toString() ?? "") as { event: unknown };
    expect(event).toEqual({
      type: "ping",
      uuid: expect.stringMatching(uuidShape) as string,
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00$/) as string,
    });
  });
});

/** Text that does not survive being parsed and written again. */
function unusualEvent(type: string): string {
  const unusual = String.raw`"z":1, "a" : {"ratio":1.0,"big":90071992547409931,"exp":1E2,"text":"Zoë 🚀 \u00e9\/&+%"}`;
  return `{"timestamp":"2022-06-02 16:12:25.242592+00:00",  ${unusual},"type":"${type}","uuid":"${randomUUID()}"}`;
}
