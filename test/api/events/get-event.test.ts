import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { accessCaller } from "../../../src/auth/caller";
import { publishAnnouncement } from "../../../src/events/announce";
import { dispatch } from "../../../src/events/dispatch";
import { type Event, parseEvents } from "../../../src/events/parse-events";
import { type Answer, api, makeWebhook, notifications } from "../../api";
import { stopClock } from "../../clock";
import { type DeliveryAnswer, deliveriesOf } from "../../deliveries";
import { archiveAsBefore, makeEvent, makeEvents, makeListener, publish } from "../../event";
import { laneOf, runAlarm } from "../../lane";
import { get, post, signIn } from "../../pages/page";
import { reader } from "../../pages/webhooks/people";
import { consume } from "../../queue";
import { receiver } from "../../receiver";
import { hmacHex } from "../../sign";
import { makeUsedToken } from "../../tokens";

type EventResponse = {
  uuid: string;
  type: string;
  timestamp: string;
  project_uuid: string | null;
  job_uuid: string | null;
  accepted_at: string;
  published_by: string | null;
  published_by_name: string | null;
  event: unknown;
  deliveries: (DeliveryAnswer & { webhook_uuid: string; webhook_name: string })[];
  complete: boolean;
  message?: string;
};

type Tuple7<One> = [One, One, One, One, One, One, One];

function parsed(text: string): Event[] {
  const result = parseEvents(text);
  if ("reason" in result) throw new Error(result.reason);
  return result.events;
}

beforeEach(stopClock);

function getEvent(uuid: string): Promise<Answer<EventResponse>> {
  return api("GET", `/api/events/${uuid}`);
}

describe("GET /api/events/{uuid}", () => {
  it("gives the event with exactly the fields of the contract", async () => {
    const event = makeEvent({ name: "Größe 語" });
    await publish(event);
    const { status, body, headers } = await getEvent(event.uuid);
    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toMatch(/^application\/json/);
    expect(headers.get("Cache-Control")).toBe("no-store, no-transform");
    expect(body).toEqual({
      uuid: event.uuid,
      type: "project:created",
      timestamp: "2022-06-02 16:12:25.242592+00:00",
      project_uuid: null,
      job_uuid: null,
      accepted_at: "2040-01-01T00:00:00.000Z",
      published_by: expect.stringMatching(/^bootstrap:[0-9a-f]{16}$/),
      published_by_name: expect.stringMatching(/^API_TOKENS [0-9a-f]{4}$/),
      event,
      deliveries: [],
      complete: true,
    });
  });

  it("gives the event's text character for character: order, blanks, 1.0 and large integers", async () => {
    const text = `{"one": 1.0,  "big": 12345678901234567890, "e":1E2, ${JSON.stringify(makeEvent()).slice(1)}`;
    const { body } = await publish(text);
    const answer = await getEvent(body.accepted[0]?.uuid ?? "");
    expect(answer.text).toContain(`"event":${text}`);
  });

  it("takes the uuid in upper case", async () => {
    const event = makeEvent();
    await publish(event);
    expect((await getEvent(event.uuid.toUpperCase())).body.uuid).toBe(event.uuid);
  });

  it.each(["0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d", "no-uuid", "orchest"])(
    "answers 404 for %s",
    async (uuid) => {
      const { status, body } = await getEvent(uuid);
      expect(status).toBe(404);
      expect(body).toEqual({ message: `Event ${uuid} is not in the archive.` });
    },
  );

  it("needs a token", async () => {
    const path = "/api/events/0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
    expect((await api("GET", path, undefined, { token: null })).status).toBe(401);
  });
});

/** As the API says it and as the event's page does. */
async function publisherOf(uuid: string): Promise<unknown[]> {
  const { body } = await getEvent(uuid);
  const { html } = await get(`/events/${uuid}`, await reader());
  const [, shown = ""] = /<dt>Published by<\/dt><dd>(.*?)<\/dd>/.exec(html) ?? [];
  return [body.published_by, body.published_by_name, shown.replaceAll(/<[^>]*>/g, "")];
}

describe("who published an event", () => {
  it("is the token, the person, the queue, Orchest or the gateway, the first time it came", async () => {
    const ada = await makeUsedToken(["webhooks:read", "events:publish"], { name: "Ada <3" });
    const events = makeEvents(7).map((event) => ({ uuid: event.uuid, text: JSON.stringify(event) }));
    const [direct, paged, queued, fromOrchest, redriven, person, own] = events as Tuple7<
      (typeof events)[number]
    >;

    await api("POST", "/api/events", direct.text, { token: ada.token });
    await publish(direct.text);
    await post("/events/new", { event: paged.text }, { cookie: await signIn(ada.token) });
    await consume([queued.text]);
    const body = `{"delivered_for":{},"event":${fromOrchest.text}}`;
    const headers = { "X-Hub-Signature": await hmacHex(env.ORCHEST_INGEST_SECRET, body) };
    await api("POST", "/api/events/orchest", body, { token: null, headers });
    await consume([redriven.text], "events-dlq");
    await api("POST", "/api/rejected/1/redrive", undefined, { token: ada.token });
    await dispatch(env, parsed(person.text), { publisher: accessCaller("ada@example.com").id });
    const announcement = { uuid: own.uuid, type: "webhook:disabled", body: own.text };
    await publishAnnouncement(env, announcement, crypto.randomUUID());

    const byAda = [`token:${ada.id}`, "Ada <3", "Ada &lt;3"];
    expect(await publisherOf(direct.uuid)).toEqual(byAda);
    expect(await publisherOf(paged.uuid)).toEqual(byAda);
    expect(await publisherOf(queued.uuid)).toEqual(["queue", "The queue", "The queue"]);
    expect(await publisherOf(fromOrchest.uuid)).toEqual(["orchest", "Orchest", "Orchest"]);
    expect(await publisherOf(redriven.uuid)).toEqual(byAda);
    const access = ["access:ada@example.com", "ada@example.com", "ada@example.com"];
    expect(await publisherOf(person.uuid)).toEqual(access);
    expect(await publisherOf(own.uuid)).toEqual(["gateway", "The gateway", "The gateway"]);
  });

  it("is null of an event from before it was kept", async () => {
    const event = makeEvent();
    await archiveAsBefore([event]);
    expect(await publisherOf(event.uuid)).toEqual([null, null, "Unknown"]);
  });
});

/** Adds so many webhooks without subscriptions. */
async function addIdle(count: number): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     INSERT INTO webhooks (uuid, name, origin, sealed, verify_ssl, content_type, created_at)
     SELECT lower(hex(randomblob(16))), 'idle', '', '', 1, 'application/json', 0 FROM n`,
  )
    .bind(count)
    .run();
}

describe("the deliveries of an event", () => {
  it("are those of every webhook, each as in the webhook's own log", async () => {
    receiver(({ url }) => new Response(null, { status: url.includes("bad") ? 500 : 200 }));
    const good = await makeListener({ name: "Good", url: "https://good.example.com/path-is-secret" });
    const bad = await makeListener({ name: "Bad", url: "https://bad.example.com/path-is-secret" });
    await makeWebhook({ name: "Hears nothing" });
    const [event, other] = makeEvents(2);
    await publish([event, other]);
    await vi.waitFor(async () => expect((await deliveriesOf(good.uuid))[1]?.status).toBe("delivered"));
    await vi.waitFor(async () => expect((await deliveriesOf(bad.uuid))[0]?.status).toBe("failed"));
    const { body, text } = await getEvent(event?.uuid ?? "");
    expect(body.deliveries).toEqual([
      { webhook_uuid: good.uuid, webhook_name: "Good", ...(await deliveriesOf(good.uuid))[0] },
      { webhook_uuid: bad.uuid, webhook_name: "Bad", ...(await deliveriesOf(bad.uuid))[0] },
    ]);
    expect(body.complete).toBe(true);
    expect(text).not.toContain("secret");
  });

  it("are found also when the webhook is no longer subscribed to the event", async () => {
    receiver();
    const { uuid } = await makeListener();
    const event = makeEvent();
    await publish(event);
    await api("PUT", `${notifications}/subscribers/webhooks/${uuid}`, { subscriptions: [] });
    expect((await getEvent(event.uuid)).body.deliveries).toMatchObject([
      { webhook_uuid: uuid, event_uuid: event.uuid },
    ]);
  });

  it("are not shown of deleted webhooks", async () => {
    receiver();
    const { uuid } = await makeListener();
    const event = makeEvent();
    await publish(event);
    await api("DELETE", `${notifications}/subscribers/${uuid}`);
    expect((await getEvent(event.uuid)).body).toMatchObject({ deliveries: [], complete: true });
  });

  it("are those of a webhook that was created later, too, when the event was replayed to it", async () => {
    const { received } = receiver();
    const event = makeEvent();
    await publish(event);
    const since = new Date(Date.now() - 1000).toISOString();
    vi.setSystemTime(Date.now() + 60_000);
    const { uuid } = await makeListener();
    await api("POST", `${notifications}/subscribers/${uuid}/replay`, { since, status: "missing" });
    await vi.waitFor(async () => {
      await runAlarm(uuid, 0);
      expect(received).toHaveLength(1);
    });
    // What it is subscribed to now does not matter.
    const subscriptions = [{ event_type: "project:deleted" }];
    const { status } = await api("PUT", `${notifications}/subscribers/webhooks/${uuid}`, { subscriptions });
    expect(status).toBe(200);
    expect((await getEvent(event.uuid)).body).toMatchObject({
      deliveries: [{ webhook_uuid: uuid }],
      complete: true,
    });
  });

  it("are not complete when a lane does not answer: the others' are given all the same", async () => {
    const { logged } = receiver();
    const broken = await makeListener();
    const fine = await makeListener();
    const event = makeEvent();
    await publish(event);
    vi.spyOn(env.LANES, "getByName").mockImplementation((name) => {
      if (name === broken.uuid) throw new Error("lane broke");
      return laneOf(name);
    });
    const { status, body } = await getEvent(event.uuid);
    expect(status).toBe(200);
    expect(body.complete).toBe(false);
    expect(body.deliveries.map(({ webhook_uuid }) => webhook_uuid)).toEqual([fine.uuid]);
    expect(logged()).toContain("lane broke");
  });

  it("are asked of 200 webhooks at most: with one more they are not complete, and subscribed ones come first", async () => {
    receiver();
    await addIdle(199);
    const { uuid } = await makeListener();
    const event = makeEvent();
    await publish(event);
    const getByName = vi.spyOn(env.LANES, "getByName");
    expect((await getEvent(event.uuid)).body).toMatchObject({
      complete: true,
      deliveries: [{ webhook_uuid: uuid }],
    });
    await addIdle(1);
    getByName.mockClear();
    expect((await getEvent(event.uuid)).body).toMatchObject({
      complete: false,
      deliveries: [{ webhook_uuid: uuid }],
    });
    expect(getByName).toHaveBeenCalledTimes(200);
  });
});
