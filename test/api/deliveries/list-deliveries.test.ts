import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, notifications } from "../../api";
import { passTime, stopClock } from "../../clock";
import { allPages, deliveriesOf, type DeliveriesAnswer, listDeliveries } from "../../deliveries";
import { makeEvent, makeEvents, makeListener, publish } from "../../event";
import { runAlarm } from "../../lane";
import { receiver } from "../../receiver";

const unknown = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const failed = (): Response => new Response(null, { status: 500 });

beforeEach(stopClock);

/** A webhook that is paused, so that nothing happens to its deliveries. */
async function makePaused(changes: Record<string, unknown> = {}): Promise<string> {
  const { uuid } = await makeListener(changes);
  await api("POST", `${notifications}/subscribers/${uuid}/pause`);
  return uuid;
}

describe("GET /subscribers/{uuid}/deliveries", () => {
  it("is empty at first", async () => {
    const { uuid } = await makeListener();
    const { status, body } = await listDeliveries(uuid);
    expect(status).toBe(200);
    expect(body).toEqual({ deliveries: [], next_cursor: null });
  });

  it("shows a delivery with exactly the fields of the contract", async () => {
    const { received } = receiver(() => new Response(null, { status: 204 }));
    const { uuid } = await makeListener();
    const event = makeEvent();
    const acceptedAt = new Date().toISOString();
    await publish(event);
    await vi.waitFor(async () => expect((await deliveriesOf(uuid))[0]?.status).toBe("delivered"));
    expect(await deliveriesOf(uuid)).toEqual([
      {
        uuid: received[0]?.headers.get("X-Orchest-Delivery"),
        sequence: 1,
        event_uuid: event.uuid,
        event_type: "project:created",
        status: "delivered",
        accepted_at: acceptedAt,
        next_attempt_at: null,
        delivered_at: expect.stringMatching(/^2040-01-01T00:00:0\d\.\d{3}Z$/),
        attempts_made: 1,
        last_status: 204,
        last_error: null,
        carried_by: null,
      },
    ]);
  });

  it("shows what waits for a retry as failed, with the class of the failure and the time of the next attempt", async () => {
    receiver(failed);
    const { uuid } = await makeListener();
    await publish(makeEvents(2));
    await vi.waitFor(async () => expect((await deliveriesOf(uuid))[0]?.attempts_made).toBe(1));
    const [head, next] = await deliveriesOf(uuid);
    expect(head).toMatchObject({
      status: "failed",
      last_status: 500,
      last_error: "http_5xx",
      delivered_at: null,
    });
    expect(Date.parse(head?.next_attempt_at ?? "")).toBeGreaterThan(Date.now());
    expect(next).toMatchObject({
      status: "pending",
      next_attempt_at: null,
      attempts_made: 0,
      last_error: null,
    });
  });

  it("shows only the webhook's own", async () => {
    receiver();
    const [uuid, other] = [await makePaused(), await makePaused()];
    await publish(makeEvents(2));
    const own = await deliveriesOf(uuid);
    const others = await deliveriesOf(other);
    expect(own.map(({ event_uuid }) => event_uuid)).toEqual(others.map(({ event_uuid }) => event_uuid));
    expect(own.map(({ uuid: one }) => one)).not.toEqual(others.map(({ uuid: one }) => one));
  });

  it("takes the webhook's uuid in upper case", async () => {
    const uuid = await makePaused();
    await publish(makeEvent());
    expect((await listDeliveries(uuid.toUpperCase())).body.deliveries).toHaveLength(1);
  });

  it.each([unknown, "webhooks", "no-uuid"])("answers 404 for %s", async (uuid) => {
    const { status, body } = await listDeliveries(uuid);
    expect(status).toBe(404);
    expect(body).toEqual({ message: `Subscriber ${uuid} does not exist.` });
  });

  it("answers 404 after the webhook was deleted", async () => {
    const uuid = await makePaused();
    await publish(makeEvent());
    await api("DELETE", `${notifications}/subscribers/${uuid}`);
    expect((await listDeliveries(uuid)).status).toBe(404);
  });

  it("needs a token", async () => {
    const path = `${notifications}/subscribers/${unknown}/deliveries`;
    expect((await api("GET", path, undefined, { token: null })).status).toBe(401);
  });
});

/** The sequences on each page. */
async function sequences(uuid: string, query: string): Promise<number[][]> {
  const path = `${notifications}/subscribers/${uuid}/deliveries${query}`;
  const pages = await allPages<DeliveriesAnswer>(path);
  return pages.map(({ deliveries }) => deliveries.map(({ sequence }) => sequence));
}

describe("the pages of the log", () => {
  it("are newest first, and end with a null", async () => {
    const uuid = await makePaused();
    await publish(makeEvents(7));
    expect(await sequences(uuid, "?limit=3")).toEqual([[7, 6, 5], [4, 3, 2], [1]]);
  });

  it("end where the last one is full", async () => {
    const uuid = await makePaused();
    await publish(makeEvents(4));
    expect(await sequences(uuid, "?limit=2")).toEqual([
      [4, 3],
      [2, 1],
    ]);
  });

  it("have 25 entries unless something else is asked for", async () => {
    const uuid = await makePaused();
    await publish(makeEvents(26));
    expect((await sequences(uuid, "")).map(({ length }) => length)).toEqual([25, 1]);
    expect((await sequences(uuid, "?limit=100")).map(({ length }) => length)).toEqual([26]);
    expect((await sequences(uuid, "?limit=")).map(({ length }) => length)).toEqual([25, 1]);
  });

  it("do not shift when deliveries are added in between", async () => {
    const uuid = await makePaused();
    await publish(makeEvents(4));
    const first = (await listDeliveries(uuid, "?limit=2")).body;
    await publish(makeEvents(3));
    const second = (await listDeliveries(uuid, `?limit=2&cursor=${first.next_cursor}`)).body;
    expect(second.deliveries.map(({ sequence }) => sequence)).toEqual([2, 1]);
  });

  it("reach over days", async () => {
    const uuid = await makePaused();
    for (let day = 0; day < 3; day++) {
      await publish(makeEvents(2));
      passTime(86_400_000);
    }
    expect(await sequences(uuid, "?limit=3")).toEqual([
      [6, 5, 4],
      [3, 2, 1],
    ]);
  });
});

/** Sequences 1 to 4: delivered, dead, failed, pending. */
async function makeOneOfEach(): Promise<string> {
  const { received } = receiver((_, index) => (index === 0 ? new Response() : failed()));
  const { uuid } = await makeListener({ retry: { max_attempts: 2 } });
  await publish(makeEvents(4));
  await vi.waitFor(() => expect(received).toHaveLength(2));
  await runAlarm(uuid);
  await vi.waitFor(() => expect(received).toHaveLength(3));
  await runAlarm(uuid);
  await vi.waitFor(() => expect(received).toHaveLength(4));
  return uuid;
}

describe("the filters of the log", () => {
  it("find deliveries by status, each in one of them", async () => {
    const uuid = await makeOneOfEach();
    const found = [];
    for (const status of ["delivered", "dead", "failed", "pending"]) {
      found.push((await deliveriesOf(uuid, `?status=${status}`)).map(({ sequence }) => sequence));
    }
    expect(found).toEqual([[1], [2], [3], [4]]);
    expect(await deliveriesOf(uuid, "?status=")).toHaveLength(4);
  });

  it("find deliveries by event type, and none of a type that does not exist", async () => {
    receiver();
    const subscriptions = [{ event_type: "project:created" }, { event_type: "project:deleted" }];
    const uuid = await makePaused({ subscriptions });
    await publish([makeEvent(), makeEvent({ type: "project:deleted" }), makeEvent()]);
    const sequencesOf = async (type: string): Promise<number[]> =>
      (await deliveriesOf(uuid, `?event_type=${type}`)).map(({ sequence }) => sequence);
    expect(await sequencesOf("project:deleted")).toEqual([2]);
    expect(await sequencesOf(encodeURIComponent("project:created"))).toEqual([1, 3]);
    expect(await sequencesOf("x")).toEqual([]);
    expect(await sequencesOf("")).toEqual([1, 2, 3]);
  });

  it("find deliveries by time: since is included, until is not", async () => {
    receiver();
    const uuid = await makePaused();
    const times: string[] = [];
    for (let place = 0; place < 4; place++) {
      times.push(new Date().toISOString());
      await publish(makeEvent());
      passTime(1000);
    }
    const sequencesOf = async (query: string): Promise<number[]> =>
      (await deliveriesOf(uuid, query)).map(({ sequence }) => sequence);
    expect(await sequencesOf(`?since=${times[1]}`)).toEqual([2, 3, 4]);
    expect(await sequencesOf(`?until=${times[2]}`)).toEqual([1, 2]);
    expect(await sequencesOf(`?since=${times[1]}&until=${times[3]}`)).toEqual([2, 3]);
    expect(await sequencesOf(`?since=${times[2]}&until=${times[2]}`)).toEqual([]);
  });

  it("end the list at since: nothing older is looked for", async () => {
    receiver();
    const uuid = await makePaused();
    await publish(makeEvents(3));
    passTime(60_000);
    const since = new Date().toISOString();
    await publish(makeEvents(2));
    const { body } = await listDeliveries(uuid, `?limit=2&since=${since}`);
    expect(body.deliveries.map(({ sequence }) => sequence)).toEqual([5, 4]);
    expect(body.next_cursor).toBeNull();
  });

  it("hold on every page", async () => {
    receiver();
    const subscriptions = [{ event_type: "project:created" }, { event_type: "project:deleted" }];
    const uuid = await makePaused({ subscriptions });
    const types = ["project:created", "project:deleted"];
    await publish(Array.from({ length: 10 }, (_, place) => makeEvent({ type: types[place % 2] })));
    const found = await sequences(uuid, "?limit=2&event_type=project:deleted&status=pending");
    expect(found.flat()).toEqual([10, 8, 6, 4, 2]);
  });
});

describe("a time in the query", () => {
  it.each([
    "2040-01-01",
    "2040-01-01T00:00:00Z",
    "2040-01-01T00:00:00",
    "2040-01-01T00:00:00.000000Z",
    "2040-01-01T01:00:00%2B01:00",
    "2040-01-01T01:00:00+01:00",
    "2039-12-31T23:00:00-01:00",
    "2040-01-01%2000:00:00",
  ])("may be %s", async (since) => {
    receiver();
    const uuid = await makePaused();
    await publish(makeEvent());
    vi.setSystemTime(Date.UTC(2040, 0, 1));
    expect(await deliveriesOf(uuid, `?since=${since}`)).toHaveLength(1);
    expect(await deliveriesOf(uuid, `?until=${since}`)).toHaveLength(0);
  });
});

describe("a query that is refused", () => {
  it.each([
    ["status=done", /^status: must be pending, delivered, failed or dead\.$/],
    ["status=Dead", /^status: must be/],
    ["limit=0", /^limit: must be a whole number from 1 to 100\.$/],
    ["limit=101", /^limit: must be a whole number/],
    ["limit=-1", /^limit: must be a whole number/],
    ["limit=1.5", /^limit: must be a whole number/],
    ["limit=ten", /^limit: must be a whole number/],
    ["limit=1e1", /^limit: must be a whole number/],
    ["since=yesterday", /^since: must be an ISO 8601 time such as/],
    ["since=2040-02-30T00:00:00Z", /^since: must be an ISO 8601 time/],
    ["until=2040-01-01T", /^until: must be an ISO 8601 time/],
    ["since=2040-13-01", /^since: must be an ISO 8601 time/],
    ["since=1717171717", /^since: must be an ISO 8601 time/],
    ["cursor=abc", /^cursor: must be the next_cursor of the previous page\.$/],
    ["cursor=0", /^cursor: must be/],
    ["cursor=-1", /^cursor: must be/],
    ["cursor=99999999999999999999", /^cursor: must be/],
    ["limit=1&limit=2", /^limit: must be a whole number/],
    ["status=dead&status=failed", /^status: must be/],
  ])("has %s, and says what is allowed", async (query, message) => {
    const { uuid } = await makeListener();
    const { status, body } = await listDeliveries(uuid, `?${query}`);
    expect(status).toBe(400);
    expect(body).toEqual({ message: expect.stringMatching(message) });
  });

  it.each(["limit=1", "limit=100", "cursor=1", "cursor=9007199254740991"])(
    "is not one with %s",
    async (query) => {
      const { uuid } = await makeListener();
      expect((await listDeliveries(uuid, `?${query}`)).status).toBe(200);
    },
  );

  it("names all that is wrong", async () => {
    const { uuid } = await makeListener();
    const { body } = await listDeliveries(uuid, "?limit=0&since=x&status=y");
    expect(body.message).toMatch(/status: .*since: .*limit: /);
  });
});
