import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Answer, api, notifications, readWebhook, type WebhookAnswer } from "../../api";
import { stopClock } from "../../clock";
import { deliveriesOf, deliveryAt } from "../../deliveries";
import { eventUuidsIn, makeEvent, makeEvents, makeListener, publish } from "../../event";
import { alarmOf, laneOf, runAlarm, runAlarms } from "../../lane";
import { receiver } from "../../receiver";

const unknown = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const gone = (): Response => new Response(null, { status: 410 });

beforeEach(stopClock);

function post(what: "pause" | "resume", uuid: string): Promise<Answer<WebhookAnswer & { message: string }>> {
  return api("POST", `${notifications}/subscribers/${uuid}/${what}`);
}

describe("POST /subscribers/{uuid}/pause and /resume", () => {
  it("answer with the webhook, as it is given back from then on", async () => {
    const made = await makeListener();
    const paused = await post("pause", made.uuid);
    expect(paused.status).toBe(200);
    expect(paused.body).toEqual({ ...made, state: "paused", disabled_reason: null });
    expect(await readWebhook(made.uuid)).toEqual(paused.body);
    const resumed = await post("resume", made.uuid);
    expect(resumed.status).toBe(200);
    expect(resumed.body).toEqual(made);
    expect(await readWebhook(made.uuid)).toEqual(made);
  });

  it("may be repeated, and resume may come first", async () => {
    const { uuid } = await makeListener();
    const answers = [];
    for (const what of ["resume", "pause", "pause", "resume", "resume"] as const) {
      answers.push(await post(what, uuid));
    }
    expect(answers.map(({ status, body }) => [status, body.state])).toEqual([
      [200, "active"],
      [200, "paused"],
      [200, "paused"],
      [200, "active"],
      [200, "active"],
    ]);
  });

  it("leave no alarm behind at a webhook that has nothing to send", async () => {
    const { uuid } = await makeListener();
    await post("pause", uuid);
    await runAlarms(uuid);
    expect(await alarmOf(uuid)).toBeNull();
  });

  it.each(["pause", "resume"] as const)("answer 404 for an unknown webhook: %s", async (what) => {
    const { status, body } = await post(what, unknown);
    expect(status).toBe(404);
    expect(body).toEqual({ message: `Subscriber ${unknown} does not exist.` });
  });

  it("take the uuid in upper case", async () => {
    const { uuid } = await makeListener();
    expect((await post("pause", uuid.toUpperCase())).body).toMatchObject({ uuid, state: "paused" });
  });

  it("answer 404 for a webhook that was deleted, and do not bring it back", async () => {
    const { uuid } = await makeListener();
    await api("DELETE", `${notifications}/subscribers/${uuid}`);
    expect((await post("resume", uuid)).status).toBe(404);
    expect((await post("pause", uuid)).status).toBe(404);
  });
});

describe("a paused webhook", () => {
  it("takes events in, keeps them and sends nothing; resumed, it sends all of them in order", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await post("pause", uuid);
    const events = makeEvents(5);
    for (const event of events) {
      expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 1 });
    }
    await runAlarms(uuid);
    expect(received).toEqual([]);
    await post("resume", uuid);
    await vi.waitFor(() => expect(received).toHaveLength(5));
    expect(eventUuidsIn(received)).toEqual(events.map((event) => event.uuid));
  });

  it("stays paused when its lane is evicted", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await post("pause", uuid);
    await publish(makeEvents(2));
    await evictDurableObject(laneOf(uuid));
    await publish(makeEvent());
    await runAlarms(uuid);
    expect(received).toEqual([]);
    expect((await readWebhook(uuid)).state).toBe("paused");
    await post("resume", uuid);
    await vi.waitFor(() => expect(received).toHaveLength(3));
  });

  it("does not retry; resumed, it tries the head at once", async () => {
    const { received } = receiver((_, index) => new Response(null, { status: index === 0 ? 500 : 200 }));
    const { uuid } = await makeListener();
    await publish(makeEvents(2));
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).status).toBe("failed"));
    await post("pause", uuid);
    await runAlarm(uuid);
    expect(received).toHaveLength(1);
    await post("resume", uuid);
    await vi.waitFor(() => expect(received).toHaveLength(3));
  });

  it("lets attempts end that are under way", async () => {
    const gate = Promise.withResolvers<void>();
    const { received } = receiver(async () => {
      await gate.promise;
      return new Response();
    });
    const { uuid } = await makeListener();
    await publish(makeEvents(2));
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await post("pause", uuid);
    gate.resolve();
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).status).toBe("delivered"));
    await runAlarms(uuid);
    expect(received).toHaveLength(1);
  });

  it("does not hold up others", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await makeListener({ url: "https://other.example.com/" });
    await post("pause", uuid);
    await publish(makeEvent());
    await vi.waitFor(() => expect(received.map(({ url }) => url)).toEqual(["https://other.example.com/"]));
  });
});

describe("a webhook whose receiver answers 410", () => {
  it("is disabled with a reason, keeps its backlog and gets no more events", async () => {
    receiver(gone);
    const { uuid } = await makeListener();
    await publish(makeEvents(2));
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).attempts_made).toBe(1));
    await runAlarm(uuid);
    expect(await readWebhook(uuid)).toMatchObject({
      state: "disabled",
      disabled_reason: "The receiver answered 410 Gone.",
    });
    expect((await publish(makeEvent())).body.accepted[0]?.deliveries).toBe(0);
    expect(await deliveriesOf(uuid)).toHaveLength(2);
  });

  it("is enabled again by resume: it sends what it has kept, in order, and takes new events", async () => {
    let isBack = false;
    const { received } = receiver(() => (isBack ? new Response() : gone()));
    const { uuid } = await makeListener();
    const [first, second, missed, third] = makeEvents(4);
    await publish([first, second]);
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).attempts_made).toBe(1));
    await runAlarm(uuid);
    await publish(missed);
    isBack = true;
    received.length = 0;
    const { body } = await post("resume", uuid);
    expect(body).toMatchObject({ state: "active", disabled_reason: null });
    expect((await publish(third)).body.accepted[0]?.deliveries).toBe(1);
    await vi.waitFor(() => expect(received).toHaveLength(3));
    expect(eventUuidsIn(received)).toEqual([first, second, third].map((event) => event?.uuid));
  });

  it("stays disabled when it is paused, and says why", async () => {
    receiver(gone);
    const { uuid } = await makeListener();
    await publish(makeEvent());
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).attempts_made).toBe(1));
    const { status, body } = await post("pause", uuid);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      state: "disabled",
      disabled_reason: "The receiver answered 410 Gone.",
    });
  });
});
