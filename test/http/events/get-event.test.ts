import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Answer, api, makeWebhook, notifications } from "../../api";
import { restartClock, stopClock } from "../../clock";
import { type DeliveryAnswer, deliveriesOf } from "../../deliveries";
import { makeEvent, makeEvents, makeListener, publish } from "../../event";
import { laneOf } from "../../lane";
import { receiver } from "../../receiver";

type EventAnswer = {
  uuid: string;
  type: string;
  timestamp: string;
  project_uuid: string | null;
  job_uuid: string | null;
  accepted_at: string;
  event: unknown;
  deliveries: (DeliveryAnswer & { webhook_uuid: string; webhook_name: string })[];
  complete: boolean;
  message?: string;
};

beforeEach(stopClock);
afterEach(restartClock);

function getEvent(uuid: string): Promise<Answer<EventAnswer>> {
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

/** Adds so many webhooks that hear nothing. */
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

  it("are found also where the webhook does not hear of such events any more", async () => {
    receiver();
    const { uuid } = await makeListener();
    const event = makeEvent();
    await publish(event);
    await api("PUT", `${notifications}/subscribers/webhooks/${uuid}`, { subscriptions: [] });
    expect((await getEvent(event.uuid)).body.deliveries).toMatchObject([
      { webhook_uuid: uuid, event_uuid: event.uuid },
    ]);
  });

  it("are not asked of webhooks that were made later, nor shown of deleted ones", async () => {
    receiver();
    const { uuid } = await makeListener();
    const event = makeEvent();
    await publish(event);
    await api("DELETE", `${notifications}/subscribers/${uuid}`);
    vi.setSystemTime(Date.now() + 1);
    await makeListener();
    const getByName = vi.spyOn(env.LANES, "getByName");
    expect((await getEvent(event.uuid)).body).toMatchObject({ deliveries: [], complete: true });
    expect(getByName).not.toHaveBeenCalled();
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

  it("are asked of 200 webhooks at most: with one more they are not complete, and those that hear come first", async () => {
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
