import { beforeEach, describe, expect, it, vi } from "vitest";
import { spec } from "../api";
import { stopClock } from "../clock";
import { makeEvent, makeEvents, makeListener, publish } from "../event";
import { runAlarm } from "../lane";
import { receiver, type Received } from "../receiver";
import { hmacHex, standardSignatureOf } from "../sign";

beforeEach(stopClock);

/** Publishes to a new webhook. @returns the webhook, and the one request that its receiver got. */
async function deliver(
  event: object,
  changes: Record<string, unknown> = {},
): Promise<{ uuid: string; request: Received }> {
  const { received } = receiver();
  const { uuid } = await makeListener(changes);
  await publish(event);
  await vi.waitFor(() => expect(received).toHaveLength(1));
  const [request] = received;
  if (request === undefined) throw new Error("Nothing was received.");
  return { uuid, request };
}

describe("a delivery in JSON", () => {
  it("has the envelope that Orchest's has, and nothing else", async () => {
    const event = makeEvent();
    const { uuid, request } = await deliver(event, { name: 'The "first"' });
    expect(request.url).toBe(spec.url);
    expect(request.headers.get("Content-Type")).toBe("application/json");
    expect(request.body).toBe(
      `{"delivered_for":{"name":"The \\"first\\"","verify_ssl":true,"content_type":"application/json","uuid":"${uuid}","type":"webhook"},"event":${JSON.stringify(event)}}`,
    );
  });

  it("says verify_ssl as it was set", async () => {
    const { request } = await deliver(makeEvent(), { url: "http://hooks.example.com/", verify_ssl: false });
    expect(JSON.parse(request.body)).toMatchObject({ delivered_for: { verify_ssl: false } });
  });
});

describe("a delivery as a form", () => {
  const content_type = "application/x-www-form-urlencoded";

  it("has exactly two fields, each with the JSON text of its part", async () => {
    const event = makeEvent({ name: "Größe & 100 % = 語 + 🔥" });
    const { uuid, request } = await deliver(event, { content_type });
    expect(request.headers.get("Content-Type")).toBe(content_type);
    expect([...new URLSearchParams(request.body)]).toEqual([
      [
        "delivered_for",
        `{"name":"Alerts","verify_ssl":true,"content_type":"${content_type}","uuid":"${uuid}","type":"webhook"}`,
      ],
      ["event", JSON.stringify(event)],
    ]);
  });

  it.each([
    "https://hooks.slack.com/services/T/B/x",
    "https://discord.com/api/webhooks/1/x",
    "https://acme.webhook.office.com/webhookb2/x",
  ])("has its two fields also for %s", async (url) => {
    const { request } = await deliver(makeEvent(), { content_type, url });
    expect([...new URLSearchParams(request.body).keys()]).toEqual(["delivered_for", "event"]);
  });
});

describe("a delivery to a chat service", () => {
  it.each([
    ["https://hooks.slack.com/services/T/B/x", "text"],
    ["https://acme.webhook.office.com/webhookb2/x", "text"],
    ["https://discord.com/api/webhooks/1/x", "content"],
  ])("at %s has a field %s with the sentence that people see", async (url, field) => {
    const event = makeEvent({ project: { name: "Sales" } });
    const { request, uuid } = await deliver(event, { url });
    const body = JSON.parse(request.body) as Record<string, unknown>;
    expect(body["delivered_for"]).toMatchObject({ uuid, type: "webhook" });
    expect(body["event"]).toEqual(event);
    expect(body[field]).toBe("ℹ️ Project Sales was created");
  });
});

describe("the headers of a delivery", () => {
  it("say the event's type, Orchest's name and the delivery", async () => {
    const { headers } = (await deliver(makeEvent())).request;
    expect(headers.get("X-Orchest-Event")).toBe("project:created");
    expect(headers.get("User-Agent")).toBe("Orchest");
    expect(headers.get("X-Orchest-Delivery")).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(headers.get("X-Orchest-Sequence")).toBe("1");
    expect(headers.get("X-Orchest-Attempt")).toBe("1");
    expect(headers.get("webhook-id")).toBe(headers.get("X-Orchest-Delivery"));
  });

  it("count the deliveries of each webhook from 1, each with a uuid of its own", async () => {
    const { received } = receiver();
    await makeListener({ url: "https://a.example.com/" });
    await publish(makeEvents(3));
    await makeListener({ url: "https://b.example.com/" });
    await publish(makeEvents(2));
    await vi.waitFor(() => expect(received).toHaveLength(7));
    const sequencesAt = (url: string): (string | null)[] =>
      received
        .filter((request) => request.url === url)
        .map(({ headers }) => headers.get("X-Orchest-Sequence"));
    expect(sequencesAt("https://a.example.com/")).toEqual(["1", "2", "3", "4", "5"]);
    expect(sequencesAt("https://b.example.com/")).toEqual(["1", "2"]);
    expect(new Set(received.map(({ headers }) => headers.get("X-Orchest-Delivery"))).size).toBe(7);
  });

  it("keep the delivery and the sequence in a retry, and count the attempts", async () => {
    const { received } = receiver((_, index) => new Response(null, { status: index < 2 ? 500 : 200 }));
    const { uuid } = await makeListener();
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await runAlarm(uuid);
    await runAlarm(uuid);
    expect(received.map(({ headers }) => headers.get("X-Orchest-Attempt"))).toEqual(["1", "2", "3"]);
    expect(received.map(({ headers }) => headers.get("X-Orchest-Sequence"))).toEqual(["1", "1", "1"]);
    expect(new Set(received.map(({ headers }) => headers.get("X-Orchest-Delivery"))).size).toBe(1);
    expect(new Set(received.map(({ body }) => body)).size).toBe(1);
  });
});

describe("the signatures of a delivery", () => {
  const event = makeEvent({ name: "Größe 語" });

  it.each(["application/json", "application/x-www-form-urlencoded"])(
    "in %s fit the exact body",
    async (content_type) => {
      const secret = "schlüssel 🔑";
      const { headers, body } = (await deliver(event, { content_type, secret })).request;
      expect(headers.get("X-Hub-Signature")).toBe(await hmacHex(secret, body));
      expect(headers.get("X-Hub-Signature-256")).toBe(`sha256=${await hmacHex(secret, body)}`);
      const message = {
        id: headers.get("webhook-id") ?? "",
        timestamp: headers.get("webhook-timestamp") ?? "",
        body,
      };
      const key = new TextEncoder().encode(secret);
      expect(headers.get("webhook-signature")).toBe(await standardSignatureOf(key, message));
    },
  );

  it("with a secret that begins with whsec_ are made with the key behind it, Orchest's with all of it", async () => {
    const key = crypto.getRandomValues(new Uint8Array(24));
    const secret = `whsec_${btoa(String.fromCodePoint(...key))}`;
    const { headers, body } = (await deliver(event, { secret })).request;
    expect(headers.get("X-Hub-Signature")).toBe(await hmacHex(secret, body));
    const message = {
      id: headers.get("webhook-id") ?? "",
      timestamp: headers.get("webhook-timestamp") ?? "",
      body,
    };
    expect(headers.get("webhook-signature")).toBe(await standardSignatureOf(key, message));
  });

  it("say when the attempt was made, in seconds, anew in each", async () => {
    const { received } = receiver((_, index) => new Response(null, { status: index === 0 ? 500 : 200 }));
    const { uuid } = await makeListener();
    const before = Math.floor(Date.now() / 1000);
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(received[0]?.headers.get("webhook-timestamp")).toBe(String(before));
    await runAlarm(uuid);
    expect(received[1]?.headers.get("webhook-timestamp")).toBe(String(Math.floor(Date.now() / 1000)));
  });

  it.each(["whsec_", "whsec_not base64!"])("with the secret %j do not stop the line", async (secret) => {
    const { received } = receiver();
    const made = await makeListener({ secret }).catch((error: unknown) => String(error));
    await publish(event);
    // The API may as well refuse such a secret: then there is no line.
    const refused = typeof made === "string" && made.includes("secret: ");
    await vi.waitFor(() => expect(received).toHaveLength(refused ? 0 : 1));
  });
});
