import { describe, expect, it, vi } from "vitest";
import { api, makeWebhook } from "../api";
import { archived, eventUuidsIn, makeEvent, makeEvents, makeListener, publish } from "../event";
import { receiver } from "../receiver";

describe("publishing an event", () => {
  it("delivers it to every webhook that subscribed to its type and to no other", async () => {
    const { received } = receiver();
    await makeListener({ url: "https://a.example.com/1" });
    await makeListener({ url: "https://b.example.com/2" });
    await makeWebhook({
      url: "https://c.example.com/3",
      subscriptions: [{ event_type: "project:deleted" }],
    });
    const event = makeEvent();
    const { status, body } = await publish(event);
    expect(status).toBe(202);
    expect(body).toEqual({ accepted: [{ uuid: event.uuid, duplicate: false, deliveries: 2 }] });
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(received.map(({ url }) => url).toSorted()).toEqual([
      "https://a.example.com/1",
      "https://b.example.com/2",
    ]);
  });

  it("archives it, also when no webhook matches it", async () => {
    const event = makeEvent();
    expect((await publish(event)).body.accepted).toEqual([
      { uuid: event.uuid, duplicate: false, deliveries: 0 },
    ]);
    expect(await archived()).toEqual([{ uuid: event.uuid, body: JSON.stringify(event) }]);
  });

  it("needs a token", async () => {
    expect((await api("POST", "/api/events", makeEvent(), { token: null })).status).toBe(401);
    expect(await archived()).toEqual([]);
  });

  it("answers with its uuid in lower case", async () => {
    const event = makeEvent({ uuid: "ABCDEFAB-CDEF-4BCD-8FAB-ABCDEFABCDEF" });
    expect((await publish(event)).body.accepted[0]?.uuid).toBe(event.uuid.toLowerCase());
  });
});

describe("publishing an array", () => {
  it.each([1, 2, 100])("of %i delivers all of them, in their order", async (count) => {
    const { received } = receiver();
    await makeListener();
    const events = makeEvents(count);
    const uuids = events.map(({ uuid }) => uuid);
    const { status, body } = await publish(events);
    expect(status).toBe(202);
    expect(body.accepted).toEqual(uuids.map((uuid) => ({ uuid, duplicate: false, deliveries: 1 })));
    await vi.waitFor(() => expect(received).toHaveLength(count));
    expect(eventUuidsIn(received)).toEqual(uuids);
    expect((await archived()).map(({ uuid }) => uuid)).toEqual(uuids);
  });

  it.each([0, 101])("of %i is refused, and says how many may come", async (count) => {
    const { status, body } = await publish(makeEvents(count));
    expect(status).toBe(400);
    expect(body.message).toBe(`An array must have 1 to 100 events, not ${count}.`);
    expect(await archived()).toEqual([]);
  });

  it("keeps the order of the array, whatever the timestamps say", async () => {
    const { received } = receiver();
    await makeListener();
    const events = ["2022-06-02 16:00:02+00:00", "2022-06-02 16:00:01+00:00"].map((timestamp) =>
      makeEvent({ timestamp }),
    );
    await publish(events);
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(eventUuidsIn(received)).toEqual(events.map(({ uuid }) => uuid));
  });

  it("may be as large as a body may be, in characters that take three bytes and in ones to be escaped", async () => {
    const { received } = receiver();
    await makeListener();
    const events = Array.from({ length: 10 }, (_, index) =>
      makeEvent({ note: (index % 2 === 0 ? "語" : '"').repeat(index % 2 === 0 ? 33_000 : 50_000) }),
    );
    expect((await publish(events)).status).toBe(202);
    await vi.waitFor(() => expect(received).toHaveLength(10));
    expect((await archived()).map(({ body }) => body)).toEqual(events.map((event) => JSON.stringify(event)));
  });
});

it("events that are published one after the other arrive in the order of their 202s", async () => {
  const { received } = receiver();
  await makeListener();
  const events = makeEvents(20);
  for (const event of events) await publish(event);
  await vi.waitFor(() => expect(received).toHaveLength(20));
  expect(eventUuidsIn(received)).toEqual(events.map(({ uuid }) => uuid));
});
