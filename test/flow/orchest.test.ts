import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { readDevVar } from "../../tools/dev-vars.ts";
import { BorrowedGateway } from "./borrowed-gateway.ts";
import { call, createWebhook, makeEvent, publish, type Webhook } from "./client.ts";
import { eventually } from "./eventually.ts";
import { eventUuid, hubSignature, Receiver } from "./receiver.ts";

const subscribers = "/api/notifications/subscribers";
const webhooks = `${subscribers}/webhooks`;
/** What the one switch of Orchest's settings page stands for. */
const jobRunFails = [
  "project:one-off-job:pipeline-run:failed",
  "project:cron-job:run:pipeline-run:failed",
].map((event_type) => ({ event_type }));

let gateway: BorrowedGateway;
beforeAll(async () => {
  gateway = await BorrowedGateway.borrow();
  return () => gateway.giveBack();
});

describe("Orchest's settings page", () => {
  test("lists, tests before creating, creates, opens, switches, tests and deletes a webhook", async () => {
    const receiver = await Receiver.start();
    const spec = {
      url: `${receiver.url}/services/T000/B000`,
      name: "Team channel",
      verify_ssl: false,
      secret: "",
      content_type: "application/json",
    };
    expect(await call(gateway, "GET", subscribers)).toEqual({ status: 200, json: { subscribers: [] } });

    const preCreation = `${webhooks}/pre-creation-test-ping-delivery`;
    expect(await call(gateway, "POST", preCreation, spec)).toEqual({
      status: 200,
      json: { message: "success" },
    });

    const created = await call(gateway, "POST", webhooks, { ...spec, subscriptions: jobRunFails });
    expect(created.status).toBe(201);
    const { uuid } = created.json as Webhook;
    const shown = {
      uuid,
      type: "webhook",
      url: receiver.url,
      name: "Team channel",
      verify_ssl: false,
      content_type: "application/json",
    };
    expect(created.json).toMatchObject(shown);
    // The answer that made it shows it, and none after it.
    expect(created.json).toHaveProperty("secret");
    const listed = await call(gateway, "GET", subscribers);
    expect(listed).toMatchObject({ status: 200, json: { subscribers: [{ ...shown, subscriptions: [] }] } });
    expect(JSON.stringify(listed.json)).not.toContain('"secret"');
    expect(await subscribedTo(uuid)).toEqual(jobRunFails.map(({ event_type }) => event_type).toSorted());

    for (const subscriptions of [[], jobRunFails]) {
      expect(await call(gateway, "PUT", `${webhooks}/${uuid}`, { subscriptions })).toEqual({
        status: 200,
        json: { message: `Webhook ${uuid} has been updated.` },
      });
      expect(await subscribedTo(uuid)).toHaveLength(subscriptions.length);
    }

    expect(await call(gateway, "GET", `${subscribers}/test-ping-delivery/${uuid}`)).toEqual({
      status: 200,
      json: { message: "success" },
    });
    expect(
      receiver.arrivals.map(({ headers, path }) => `${headers["x-orchest-event"]?.toString()} ${path}`),
    ).toEqual(["ping /services/T000/B000", "ping /services/T000/B000"]);

    expect(await call(gateway, "DELETE", `${subscribers}/${uuid}`)).toEqual({
      status: 201,
      json: { message: "" },
    });
    expect(await call(gateway, "GET", subscribers)).toEqual({ status: 200, json: { subscribers: [] } });
  });

  test("shows a failure when the receiver does not answer 2xx", async () => {
    const receiver = await Receiver.start(() => 500);
    const { uuid } = await createWebhook(gateway, { url: receiver.url, eventTypes: [] });
    expect(await call(gateway, "GET", `${subscribers}/test-ping-delivery/${uuid}`)).toEqual({
      status: 500,
      json: { message: "failure" },
    });
  });
});

describe("an Orchest with one webhook to /api/events/orchest", () => {
  test.for([
    { format: "JSON", type: "project:pipeline:created", post: postJson },
    { format: "form", type: "project:pipeline:deleted", post: postForm },
  ])("feeds the gateway in $format, to the letter", async ({ type, post }) => {
    const receiver = await Receiver.start();
    await createWebhook(gateway, { url: receiver.url, eventTypes: [type] });
    const event = { ...makeEvent(type), project: { uuid: randomUUID(), name: "Zoë & 🚀" } };
    const answer = await post(event);

    expect(answer.status).toBe(202);
    const delivery = await eventually("the event arrives", () => receiver.arrivals[0]);
    expect(delivery.body.toString()).toContain(pythonJson(event));
  });

  test("gets 200 for its ping, which is delivered to nobody", async () => {
    const type = "project:pipeline:updated";
    const receiver = await Receiver.start();
    await createWebhook(gateway, { url: receiver.url, eventTypes: [type] });
    const answer = await postJson(makeEvent("ping"));

    expect(answer.status).toBe(200);
    await expectNextDeliveryToBeNew(receiver, type);
  });

  test("gets 401 for a wrong signature, and nothing is delivered", async () => {
    const type = "project:environment:deleted";
    const receiver = await Receiver.start();
    await createWebhook(gateway, { url: receiver.url, eventTypes: [type] });
    const answer = await postJson(makeEvent(type), "another secret");

    expect(answer.status).toBe(401);
    await expectNextDeliveryToBeNew(receiver, type);
  });
});

async function subscribedTo(uuid: string): Promise<string[]> {
  const { json } = await call(gateway, "GET", `${subscribers}/${uuid}`);
  return (json as Webhook).subscriptions.map(({ event_type }) => event_type).toSorted();
}

/** Whatever came before reached nobody: the first delivery of all is that of an event published now. */
async function expectNextDeliveryToBeNew(receiver: Receiver, type: string): Promise<void> {
  const event = makeEvent(type);
  await publish(gateway, event);
  const delivery = await eventually("the next event arrives", () => receiver.arrivals[0]);
  expect(eventUuid(delivery)).toBe(event.uuid);
  expect(delivery.sequence).toBe(1);
}

function postJson(event: unknown, secret?: string): Promise<Response> {
  return post(
    "application/json",
    pythonJson({ delivered_for: deliveredFor("application/json"), event }),
    secret,
  );
}

function postForm(event: unknown): Promise<Response> {
  const contentType = "application/x-www-form-urlencoded";
  const fields = { delivered_for: pythonJson(deliveredFor(contentType)), event: pythonJson(event) };
  return post(contentType, new URLSearchParams(fields).toString());
}

/** One delivery as Orchest makes it, with its own kind of signature and without a token. */
function post(
  contentType: string,
  body: string,
  secret = readDevVar("ORCHEST_INGEST_SECRET"),
): Promise<Response> {
  return fetch(`${gateway.url}/api/events/orchest`, {
    method: "POST",
    headers: {
      "User-Agent": "Orchest",
      "Content-Type": contentType,
      "X-Orchest-Delivery": randomUUID(),
      "X-Hub-Signature": hubSignature(secret, body),
    },
    body,
  });
}

function deliveredFor(content_type: string) {
  return { name: "gateway", verify_ssl: false, content_type, uuid: randomUUID(), type: "webhook" };
}

/** JSON as Python's json.dumps writes it: a space after every comma and colon, and nothing but ASCII. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (typeof value !== "object" || value === null) {
    return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
    });
  }
  const members = Object.entries(value).map(([key, member]) => `${pythonJson(key)}: ${pythonJson(member)}`);
  return `{${members.join(", ")}}`;
}
