import { abortAllDurableObjects, evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { stopClock } from "../clock";
import { eventUuidsIn, makeEvent, makeEvents, makeListener, publish } from "../event";
import { laneOf, runAlarm, runAlarms } from "../lane";
import { receiver, type Received } from "../receiver";

beforeEach(stopClock);

const sequencesOf = (received: Received[]): number[] =>
  received.map(({ headers }) => Number(headers.get("X-Orchest-Sequence")));
const failed = (): Response => new Response(null, { status: 500 });

/** Numbers from 0 to 1 that a seed determines (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("in strict order", () => {
  it("nothing is sent while the head waits for its retry", async () => {
    const { received } = receiver((_, index) => (index < 3 ? failed() : new Response()));
    const { uuid } = await makeListener();
    await publish(makeEvents(5));
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await publish(makeEvent());
    await runAlarm(uuid);
    await runAlarm(uuid);
    expect(sequencesOf(received)).toEqual([1, 1, 1]);
    await runAlarms(uuid);
    expect(sequencesOf(received)).toEqual([1, 1, 1, 1, 2, 3, 4, 5, 6]);
  });

  it("a webhook whose receiver fails holds up no other", async () => {
    const { received } = receiver(({ url }) => (url.includes("bad") ? failed() : new Response()));
    await makeListener({ url: "https://bad.example.com/" });
    await makeListener({ url: "https://good.example.com/" });
    await publish(makeEvents(5));
    const good = (): Received[] => received.filter(({ url }) => url.includes("good"));
    await vi.waitFor(() => expect(good()).toHaveLength(5));
    expect(sequencesOf(good())).toEqual([1, 2, 3, 4, 5]);
    expect(received).toHaveLength(6);
  });

  it("one request is under way at a time", async () => {
    let under = 0;
    let most = 0;
    const { received } = receiver(async () => {
      under += 1;
      most = Math.max(most, under);
      await scheduler.wait(1);
      under -= 1;
      return new Response();
    });
    const { uuid } = await makeListener();
    await Promise.all([
      publish(makeEvents(10)),
      publish(makeEvents(10)),
      runAlarm(uuid),
      publish(makeEvents(10)),
    ]);
    await runAlarms(uuid, () => received.length === 30);
    await vi.waitFor(() => expect(received).toHaveLength(30));
    expect(most).toBe(1);
  });

  it("500 events arrive in sequence, none missing, although the receiver fails 20 % of the time", async () => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    const random = randomFrom(seed);
    const arrived: string[] = [];
    const { received } = receiver((request) => {
      if (random() < 0.2) return failed();
      arrived.push(...eventUuidsIn([request]));
      return new Response();
    });
    const { uuid } = await makeListener();
    const events = makeEvents(500);
    for (let start = 0; start < 500; start += 100) {
      await publish(events.slice(start, start + 100));
      await runAlarms(uuid, () => arrived.length > start + 50);
    }
    await runAlarms(uuid, () => arrived.length >= 500);
    expect(arrived, `seed ${seed}`).toEqual(events.map((event) => event.uuid));
    const sequences = sequencesOf(received);
    expect(sequences, `seed ${seed}`).toEqual(sequences.toSorted((a, b) => a - b));
    expect(new Set(sequences).size).toBe(500);
  });

  it("a backlog longer than the lane keeps in memory arrives in sequence", async () => {
    let open = false;
    const { received } = receiver(() => (open ? new Response() : failed()));
    const { uuid } = await makeListener();
    const events = makeEvents(1200);
    for (let start = 0; start < 1200; start += 100) await publish(events.slice(start, start + 100));
    open = true;
    received.length = 0;
    await runAlarms(uuid, () => received.length >= 1200);
    expect(eventUuidsIn(received)).toEqual(events.map((event) => event.uuid));
  });
});

describe("a lane that is evicted", () => {
  it("goes on where it was: no delivery lost, none repeated, and attempts counted on", async () => {
    const { received } = receiver((_, index) => (index === 2 ? failed() : new Response()));
    const { uuid } = await makeListener();
    const events = makeEvents(5);
    await publish(events);
    await vi.waitFor(() => expect(received).toHaveLength(3));
    // The attempt has ended, and the object is awake: one that sleeps cannot be evicted.
    await vi.waitFor(async () => expect((await laneOf(uuid).stats())?.counts.failed).toBe(1));
    await evictDurableObject(laneOf(uuid));
    await runAlarms(uuid);
    expect(sequencesOf(received)).toEqual([1, 2, 3, 3, 4, 5]);
    expect(received[3]?.headers.get("X-Orchest-Attempt")).toBe("2");
    expect(eventUuidsIn(received.toSpliced(2, 1))).toEqual(events.map((event) => event.uuid));
  });

  it("does not try its head before its time", async () => {
    const { received } = receiver(failed);
    const { uuid } = await makeListener();
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await evictDurableObject(laneOf(uuid));
    await publish(makeEvent());
    await runAlarm(uuid, 0);
    expect(received).toHaveLength(1);
    await runAlarm(uuid);
    expect(received).toHaveLength(2);
  });

  it("numbers on, also when everything was delivered long ago", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvents(3));
    await vi.waitFor(() => expect(received).toHaveLength(3));
    await runAlarms(uuid);
    await evictDurableObject(laneOf(uuid));
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(4));
    expect(sequencesOf(received)).toEqual([1, 2, 3, 4]);
  });

  it("after 250 deliveries repeats none of them", async () => {
    let open = false;
    const { received } = receiver((_, index) => (index === 250 && !open ? failed() : new Response()));
    const { uuid } = await makeListener();
    for (let batch = 0; batch < 3; batch++) await publish(makeEvents(100));
    // An answer of the lane's waits until what was written before it is on disk.
    await vi.waitFor(async () => expect((await laneOf(uuid).stats())?.counts.failed).toBe(1));
    expect(received).toHaveLength(251);
    await evictDurableObject(laneOf(uuid));
    open = true;
    received.length = 0;
    await runAlarms(uuid);
    expect(sequencesOf(received)).toEqual(Array.from({ length: 50 }, (_, place) => 251 + place));
  });
});

describe("a lane that is killed while a request is under way", () => {
  it("repeats this one delivery, under the same uuid, and loses none", async () => {
    const { received } = receiver((_, index) => (index === 2 ? new Promise(() => {}) : new Response()));
    const { uuid } = await makeListener();
    await publish(makeEvents(5));
    await vi.waitFor(() => expect(received).toHaveLength(3));
    await abortAllDurableObjects();
    await runAlarms(uuid);
    expect(sequencesOf(received)).toEqual([1, 2, 3, 3, 4, 5]);
    const deliveries = received.map(({ headers }) => headers.get("X-Orchest-Delivery"));
    expect(deliveries[3]).toBe(deliveries[2]);
    expect(new Set(deliveries).size).toBe(5);
  });
});
