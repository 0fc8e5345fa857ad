import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { LoggedDelivery } from "../../src/lane/delivery-log";
import { passTime, stopClock } from "../clock";
import { makeEvent, makeListener } from "../event";
import { alarmOf, configOf, handoverEvent, laneOf, runAlarms } from "../lane";
import { type Answering, receiver, type Received } from "../receiver";
import { hand, live, range, sequencesOf, settle, times, withoutJitter } from "./lane-traffic";
import { periodsOf } from "../../src/pages/webhooks/periods";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

beforeEach(() => {
  stopClock();
  withoutJitter();
});

const failed = (): Response => new Response(null, { status: 500 });

/** A webhook whose receiver answers so, with so many deliveries. */
async function begin(
  answer: Answering,
  events: number,
  changes: Record<string, unknown> = {},
): Promise<{ uuid: string; received: Received[] }> {
  const { received } = receiver(answer);
  const { uuid } = await makeListener(changes);
  await hand(uuid, times(events));
  await settle(uuid);
  return { uuid, received };
}

async function delivery(uuid: string, sequence: number): Promise<LoggedDelivery | null> {
  return laneOf(uuid).delivery(sequence);
}

/** A receiver that keeps its first request waiting. */
function holdingReceiver(): { received: Received[]; answer: (status: number) => void } {
  const gate = Promise.withResolvers<number>();
  const { received } = receiver(async (_, index) =>
    index === 0 ? new Response(null, { status: await gate.promise }) : new Response(),
  );
  return { received, answer: (status) => gate.resolve(status) };
}

describe("a paused lane", () => {
  it("accepts and keeps, sends nothing, and needs no alarm", async () => {
    const { uuid, received } = await begin(() => failed(), 1);
    expect(await laneOf(uuid).pause()).toBe("paused");
    await hand(uuid, times(3));
    await live(uuid, 3 * dayMs);
    expect(received).toHaveLength(1);
    expect(await alarmOf(uuid)).toBeNull();
    expect(await laneOf(uuid).stats()).toMatchObject({ state: "paused", backlog: 4, nextAttemptAt: null });
  });

  it("sends everything in order when it is resumed, at once, also what waited for a retry", async () => {
    const { uuid, received } = await begin((_, index) => (index === 0 ? failed() : new Response()), 2);
    await laneOf(uuid).pause();
    await hand(uuid, times(2));
    await evictDurableObject(laneOf(uuid));
    expect(await laneOf(uuid).resume()).toBe("active");
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 1, 2, 3, 4]);
  });

  it("lets attempts end that are under way, and counts it", async () => {
    const { received, answer } = holdingReceiver();
    const { uuid } = await makeListener();
    await hand(uuid, times(2));
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await laneOf(uuid).pause();
    answer(200);
    await vi.waitFor(async () => expect(await delivery(uuid, 1)).toMatchObject({ status: "delivered" }));
    await runAlarms(uuid);
    expect(received).toHaveLength(1);
    expect(await laneOf(uuid).stats()).toMatchObject({ state: "paused", backlog: 1 });
  });

  it("is still paused after an eviction", async () => {
    const { uuid, received } = await begin(() => new Response(), 1);
    await laneOf(uuid).pause();
    await evictDurableObject(laneOf(uuid));
    await hand(uuid, times(1));
    await runAlarms(uuid);
    expect(received).toHaveLength(1);
  });

  it("that was paused or resumed twice is no different", async () => {
    const { uuid, received } = await begin(() => new Response(), 1);
    await laneOf(uuid).pause();
    expect(await laneOf(uuid).pause()).toBe("paused");
    await laneOf(uuid).resume();
    expect(await laneOf(uuid).resume()).toBe("active");
    await hand(uuid, times(1));
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 2]);
  });

  it("that never had an event says so to the database in the end, and its alarm comes to rest", async () => {
    receiver();
    const { uuid } = await makeListener();
    await laneOf(uuid).configure(await configOf(uuid));
    await laneOf(uuid).pause();
    await runAlarms(uuid);
    expect(await alarmOf(uuid)).toBeNull();
    expect((await laneOf(uuid).stats())?.state).toBe("paused");
  });

  it("that knows no webhook yet sets no alarm", async () => {
    receiver();
    const { uuid } = await makeListener();
    await laneOf(uuid).pause();
    expect(await alarmOf(uuid)).toBeNull();
  });
});

describe("skipping", () => {
  it("a waiting head makes it dead at once, and the line moves", async () => {
    const { uuid, received } = await begin((_, index) => (index === 0 ? failed() : new Response()), 3);
    expect(await laneOf(uuid).skip(1)).toBe("done");
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 2, 3]);
    expect(await delivery(uuid, 1)).toMatchObject({ status: "dead", attempts: 1, nextAttemptAt: null });
    expect((await laneOf(uuid).stats())?.counts).toEqual({ pending: 0, delivered: 2, failed: 0, dead: 1 });
  });

  it("shows in the charts as given up, beside the attempt that failed", async () => {
    const { uuid } = await begin(failed, 1);
    await laneOf(uuid).skip(1);
    const last = periodsOf(await laneOf(uuid).history(), "hour", Date.now()).at(-1);
    expect(last).toMatchObject({ delivered: 0, retried: 1, dead: 1 });
  });

  it("one that waits behind leaves the head where it is", async () => {
    const { uuid, received } = await begin((_, index) => (index === 0 ? failed() : new Response()), 3);
    const alarm = await alarmOf(uuid);
    expect(await laneOf(uuid).skip(2)).toBe("done");
    expect((await delivery(uuid, 1))?.nextAttemptAt).toBeLessThanOrEqual(alarm ?? 0);
    expect(received).toHaveLength(1);
    await runAlarms(uuid);
    expect(sequencesOf(received)).toEqual([1, 1, 3]);
    expect(await delivery(uuid, 2)).toMatchObject({ status: "dead", attempts: 0 });
  });

  it("the head of a lane that was just evicted works, too", async () => {
    const { uuid, received } = await begin((_, index) => (index === 0 ? failed() : new Response()), 3);
    await evictDurableObject(laneOf(uuid));
    expect(await laneOf(uuid).skip(1)).toBe("done");
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 2, 3]);
  });

  it.each([
    ["delivered after all", 200, { status: "delivered", attempts: 1 }, { delivered: 2, dead: 0 }],
    [
      "dead when it fails",
      500,
      { status: "dead", attempts: 1, nextAttemptAt: null },
      { delivered: 1, dead: 1 },
    ],
  ])("one that is under way: %s, and tried no more", async (_, status, expected, counts) => {
    const { received, answer } = holdingReceiver();
    const { uuid } = await makeListener();
    await hand(uuid, times(2));
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(await laneOf(uuid).skip(1)).toBe("done");
    expect(received).toHaveLength(1);
    answer(status);
    await settle(uuid);
    await live(uuid, dayMs);
    expect(sequencesOf(received)).toEqual([1, 2]);
    expect(await delivery(uuid, 1)).toMatchObject(expected);
    await evictDurableObject(laneOf(uuid));
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts });
  });

  it.each([
    ["is answered 500", 500],
    ["is delivered, too", 200],
    ["is refused for good", 400],
  ])(
    "one that is under way, which is then redelivered, leaves it delivered and counted once when the first attempt %s",
    async (_, status) => {
      const { received, answer } = holdingReceiver();
      const { uuid } = await makeListener({ ordering: "keyed", retry: { max_attempts: 1 } });
      await hand(uuid, times(1));
      await vi.waitFor(() => expect(received).toHaveLength(1));
      expect(await laneOf(uuid).skip(1)).toBe("done");
      expect(await laneOf(uuid).redeliver(1)).toBe("done");
      await vi.waitFor(async () => expect(await delivery(uuid, 1)).toMatchObject({ status: "delivered" }));
      answer(status);
      await vi.waitFor(async () => expect(await delivery(uuid, 1)).toMatchObject({ attempts: 2 }));
      await live(uuid, dayMs);
      for (const isEvicted of [false, true]) {
        if (isEvicted) await evictDurableObject(laneOf(uuid));
        expect(await delivery(uuid, 1)).toMatchObject({ status: "delivered", attempts: 2 });
        expect(await laneOf(uuid).stats()).toMatchObject({
          backlog: 0,
          counts: { pending: 0, delivered: 1, failed: 0, dead: 0 },
        });
      }
      await hand(uuid, times(1));
      await settle(uuid);
      expect(sequencesOf(received)).toEqual([1, 1, 2]);
    },
  );

  it("a finished one is refused, and one that does not exist is unknown", async () => {
    const { uuid } = await begin(() => new Response(), 1);
    expect(await laneOf(uuid).skip(1)).toBe("finished");
    expect(await laneOf(uuid).skip(2)).toBe("unknown");
    expect((await laneOf(uuid).stats())?.counts).toMatchObject({ delivered: 1, dead: 0 });
  });

  it("works while the lane is paused", async () => {
    const { uuid, received } = await begin((_, index) => (index === 0 ? failed() : new Response()), 3);
    await laneOf(uuid).pause();
    expect(await laneOf(uuid).skip(1)).toBe("done");
    await laneOf(uuid).resume();
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 2, 3]);
  });
});

describe("redelivering", () => {
  it.each([
    ["", false],
    [" of a lane that was just evicted", true],
  ])("the waiting head%s tries it now", async (_, isEvicted) => {
    const { uuid, received } = await begin((_request, index) => (index === 0 ? failed() : new Response()), 3);
    if (isEvicted) await evictDurableObject(laneOf(uuid));
    expect(await laneOf(uuid).redeliver(1)).toBe("done");
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 1, 2, 3]);
    expect(received[1]?.headers.get("X-Orchest-Attempt")).toBe("2");
  });

  it("one that waits behind is refused: nothing overtakes", async () => {
    const { uuid, received } = await begin(() => failed(), 3);
    expect(await laneOf(uuid).redeliver(2)).toBe("behind");
    await settle(uuid);
    expect(received).toHaveLength(1);
  });

  it("each waiting head of keyed order works", async () => {
    const { received } = receiver((_, index) => (index < 2 ? failed() : new Response()));
    const { uuid } = await makeListener({ ordering: "keyed" });
    await hand(uuid, ["a", "b", "a", "b"]);
    await settle(uuid);
    await evictDurableObject(laneOf(uuid));
    expect(await laneOf(uuid).redeliver(4)).toBe("behind");
    expect(await laneOf(uuid).redeliver(2)).toBe("done");
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 2, 2, 4]);
  });

  it("a delivered one sends it again, under the same uuid, and its attempts count on", async () => {
    const { uuid, received } = await begin(() => new Response(), 2);
    expect(await laneOf(uuid).redeliver(1)).toBe("done");
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 2, 1]);
    expect(received[2]?.headers.get("X-Orchest-Delivery")).toBe(
      received[0]?.headers.get("X-Orchest-Delivery"),
    );
    expect(received[2]?.headers.get("X-Orchest-Attempt")).toBe("2");
    expect(received[2]?.body).toBe(received[0]?.body);
    expect((await laneOf(uuid).delivery(1))?.history).toHaveLength(2);
    expect((await laneOf(uuid).stats())?.counts).toMatchObject({ delivered: 2, dead: 0 });
    await evictDurableObject(laneOf(uuid));
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts: { delivered: 2, dead: 0 } });
  });

  it("a dead one that is delivered then is no dead letter any more, and D1 is told", async () => {
    let isDown = true;
    const { uuid } = await begin(() => (isDown ? failed() : new Response()), 2, {
      retry: { max_attempts: 1 },
    });
    await live(uuid, hourMs);
    expect((await laneOf(uuid).stats())?.counts).toMatchObject({ delivered: 0, dead: 2 });
    isDown = false;
    await laneOf(uuid).redeliver(1);
    await live(uuid, hourMs);
    expect(await delivery(uuid, 1)).toMatchObject({ status: "delivered", attempts: 2 });
    expect((await laneOf(uuid).stats())?.counts).toMatchObject({ delivered: 1, dead: 1 });
    await evictDurableObject(laneOf(uuid));
    expect((await laneOf(uuid).stats())?.counts).toMatchObject({ delivered: 1, dead: 1 });
  });

  it("that fails is tried again on the curve, and ends where its time ends; the delivery stays delivered", async () => {
    let isDown = false;
    const { uuid, received } = await begin(() => (isDown ? failed() : new Response()), 1, {
      retry: { max_attempts: 4 },
    });
    isDown = true;
    await laneOf(uuid).redeliver(1);
    await settle(uuid);
    const waits: number[] = [];
    for (let retry = 0; retry < 3; retry++) {
      const wait = ((await delivery(uuid, 1))?.nextAttemptAt ?? 0) - Date.now();
      waits.push(wait / 1000);
      await live(uuid, wait);
    }
    expect(waits).toEqual([2, 4, 8]);
    await live(uuid, dayMs);
    expect(received).toHaveLength(5);
    expect(await delivery(uuid, 1)).toMatchObject({ status: "delivered", attempts: 5, nextAttemptAt: null });
    expect((await laneOf(uuid).stats())?.counts).toMatchObject({ delivered: 1, dead: 0 });
  });

  it("that fails holds up nothing that waits", async () => {
    let isDown = false;
    const { uuid, received } = await begin(
      ({ headers }) => (isDown && headers.get("X-Orchest-Sequence") === "1" ? failed() : new Response()),
      1,
    );
    isDown = true;
    await laneOf(uuid).redeliver(1);
    await settle(uuid);
    await hand(uuid, times(3));
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 1, 2, 3, 4]);
  });

  it("goes on beside a backlog, and in strict order still one at a time", async () => {
    let under = 0;
    let most = 0;
    const { received } = receiver(async () => {
      under += 1;
      most = Math.max(most, under);
      await Promise.resolve();
      under -= 1;
      return new Response();
    });
    const { uuid } = await makeListener();
    await hand(uuid, times(3));
    await settle(uuid);
    await laneOf(uuid).pause();
    await hand(uuid, times(40));
    await laneOf(uuid).resume();
    for (const sequence of [3, 1, 2]) await laneOf(uuid).redeliver(sequence);
    await settle(uuid);
    const again = sequencesOf(received.slice(3)).filter((sequence) => sequence <= 3);
    expect(again).toEqual([3, 1, 2]);
    const others = sequencesOf(received.slice(3)).filter((sequence) => sequence > 3);
    expect(others).toEqual(range(4, 43));
    expect(most).toBe(1);
  });

  it("twice before its turn sends it once", async () => {
    const { uuid, received } = await begin(() => new Response(), 1);
    await runInDurableObject(laneOf(uuid), async (lane) => {
      await Promise.all([lane.redeliver(1), lane.redeliver(1)]);
    });
    await settle(uuid);
    expect(received.length).toBeLessThanOrEqual(3);
  });

  it("survives an eviction", async () => {
    let isDown = false;
    const { uuid, received } = await begin(() => (isDown ? failed() : new Response()), 1);
    isDown = true;
    await laneOf(uuid).redeliver(1);
    await settle(uuid);
    isDown = false;
    await evictDurableObject(laneOf(uuid));
    await live(uuid, 3000);
    expect(received).toHaveLength(3);
    expect(await alarmOf(uuid)).toBeNull();
  });

  it("is refused while the lane is paused, and for what does not exist", async () => {
    const { uuid } = await begin(() => new Response(), 1);
    expect(await laneOf(uuid).redeliver(9)).toBe("unknown");
    await laneOf(uuid).pause();
    expect(await laneOf(uuid).redeliver(1)).toBe("inactive");
  });
});

/** Makes the lane refuse to write an event, for once. */
async function breakAt(uuid: string, eventUuid: string): Promise<() => Promise<void>> {
  const run = (statement: (table: string) => string): Promise<void> =>
    runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
      const [{ name }] = sql
        .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name LIKE 'deliveries_%'")
        .toArray() as [{ name: string }];
      sql.exec(statement(name));
    });
  await run(
    (table) => `CREATE TRIGGER broken BEFORE INSERT ON ${table} WHEN NEW.event_uuid = '${eventUuid}'
      BEGIN SELECT RAISE(ABORT, 'broken'); END`,
  );
  return () => run(() => "DROP TRIGGER broken");
}

describe("an insert that breaks in the middle", () => {
  it("takes nothing, and repeated takes everything, with no number left out", async () => {
    const { uuid, received } = await begin(() => new Response(), 1);
    const config = await configOf(uuid);
    const events = range(1, 3).map(() => handoverEvent(makeEvent(), { maybeKnown: true }));
    const mend = await breakAt(uuid, events[1]?.uuid ?? "");
    await expect(
      runInDurableObject(laneOf(uuid), (lane) => lane.accept({ config, events }).then(() => "taken")),
    ).rejects.toThrow("broken");
    expect((await laneOf(uuid).stats())?.backlog).toBe(0);
    await mend();
    expect(await laneOf(uuid).accept({ config, events })).toEqual({
      outcome: "accepted",
      fresh: [true, true, true],
    });
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 2, 3, 4]);
    expect((await laneOf(uuid).stats())?.backlog).toBe(0);
  });

  it("on the first event of a day loses nothing", async () => {
    const { uuid, received } = await begin(() => new Response(), 1);
    passTime(dayMs);
    const config = await configOf(uuid);
    const events = range(1, 3).map(() => handoverEvent(makeEvent(), { maybeKnown: true }));
    await runInDurableObject(laneOf(uuid), async (lane, { storage: { sql } }) => {
      const exec = sql.exec.bind(sql);
      const broken = vi.spyOn(sql, "exec").mockImplementation((query: string, ...bindings: unknown[]) => {
        if (bindings.includes(events[1]?.uuid) && query.includes("INTO deliveries_"))
          throw new Error("broken");
        return exec(query, ...bindings);
      });
      await expect(lane.accept({ config, events })).rejects.toThrow("broken");
      broken.mockRestore();
    });
    expect(await laneOf(uuid).accept({ config, events })).toMatchObject({ fresh: [true, true, true] });
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 2, 3, 4]);
  });
});

it("a hand-over that was cut off before its alarm stood is put right by its repetition", async () => {
  const { uuid, received } = await begin(() => new Response(), 1);
  const config = await configOf(uuid);
  const events = [handoverEvent(makeEvent(), { maybeKnown: true })];
  await laneOf(uuid).pause();
  await laneOf(uuid).accept({ config, events });
  // Active again, on disk, without an alarm: as after a crash between the two.
  await runInDurableObject(laneOf(uuid), async (_, { storage }) => {
    storage.sql.exec("UPDATE lane SET record = json_set(record, '$.state', 'active')");
    await storage.deleteAlarm();
  });
  await evictDurableObject(laneOf(uuid));
  expect(await laneOf(uuid).accept({ config, events })).toEqual({ outcome: "accepted", fresh: [false] });
  await settle(uuid);
  expect(sequencesOf(received)).toEqual([1, 2]);
});
