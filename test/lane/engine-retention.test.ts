import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { restartClock, stopClock } from "../clock";
import { makeEvent, makeListener } from "../event";
import { alarmOf, configOf, handoverEvent, laneOf, runAlarms } from "../lane";
import { type Answering, captureLog, receiver, type Received } from "../receiver";
import { hand, live, range, sequencesOf, settle, times, withoutJitter } from "./lane-traffic";

const dayMs = 86_400_000;
const start = Date.UTC(2040, 0, 1);

beforeEach(() => {
  stopClock();
  withoutJitter();
});
afterEach(restartClock);

const failed = (): Response => new Response(null, { status: 500 });

/** A webhook whose receiver answers so, with so many deliveries on its first day. */
async function begin(
  answer: Answering,
  events: number,
  changes: Record<string, unknown> = {},
): Promise<{ uuid: string; received: Received[] }> {
  const { received } = receiver(answer);
  const { uuid } = await makeListener(changes);
  await hand(uuid, times(events));
  await live(uuid, 60_000);
  return { uuid, received };
}

/** Puts the clock to so many days after the first one's end, and lets cron call, as it does every day. */
async function tendAfter(uuid: string, days: number, isEvicted = true): Promise<void> {
  vi.setSystemTime(start + (1 + days) * dayMs);
  if (isEvicted) await evictDurableObject(laneOf(uuid));
  await laneOf(uuid).maintain();
  await settle(uuid);
}

async function kept(uuid: string): Promise<number[]> {
  const { deliveries } = await laneOf(uuid).deliveries({ limit: 1000 });
  return deliveries.map(({ sequence }) => sequence);
}

function rowsIn(uuid: string, table: string): Promise<number> {
  return runInDurableObject(
    laneOf(uuid),
    (_, { storage: { sql } }) => sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n,
  );
}

describe("what was delivered", () => {
  it("is gone 30 days after its day, and not 1 ms before", async () => {
    const { uuid } = await begin(() => new Response(), 5);
    await tendAfter(uuid, 30 - 1 / dayMs);
    expect(await kept(uuid)).toEqual([5, 4, 3, 2, 1]);
    await tendAfter(uuid, 30);
    expect(await kept(uuid)).toEqual([]);
    expect(await rowsIn(uuid, "days")).toBe(0);
  });

  it("still counts, right after an eviction, too", async () => {
    const { uuid } = await begin(() => new Response(), 5);
    await tendAfter(uuid, 30);
    const before = await laneOf(uuid).stats();
    expect(before).toMatchObject({ backlog: 0, counts: { pending: 0, delivered: 5, failed: 0, dead: 0 } });
    await evictDurableObject(laneOf(uuid));
    expect(await laneOf(uuid).stats()).toEqual(before);
  });

  it("goes with all its attempts", async () => {
    const { uuid } = await begin((_, index) => (index < 3 ? failed() : new Response()), 2);
    expect(await rowsIn(uuid, "attempts")).toBe(3);
    await tendAfter(uuid, 30);
    expect(await rowsIn(uuid, "attempts")).toBe(0);
  });

  it("goes day by day, the rest stays", async () => {
    const { uuid } = await begin(() => new Response(), 2);
    for (const day of [1, 2]) {
      vi.setSystemTime(start + day * dayMs);
      await hand(uuid, times(2));
      await settle(uuid);
    }
    await tendAfter(uuid, 30);
    expect(await kept(uuid)).toEqual([6, 5, 4, 3]);
    await tendAfter(uuid, 31);
    expect(await kept(uuid)).toEqual([6, 5]);
  });

  it("goes from a lane that is at work, by its alarm", async () => {
    const { uuid } = await begin(() => new Response(), 2);
    for (let day = 1; day <= 33; day++) {
      vi.setSystemTime(start + day * dayMs);
      // What comes alone is delivered without an alarm.
      await hand(uuid, times(2));
      await runAlarms(uuid);
    }
    expect((await kept(uuid)).at(-1)).toBeGreaterThan(3);
  });

  it("goes from a lane that is paused", async () => {
    const { uuid } = await begin(() => new Response(), 5);
    await laneOf(uuid).pause();
    await tendAfter(uuid, 30);
    expect(await kept(uuid)).toEqual([]);
  });

  it("and is to be sent again stays until that is done", async () => {
    let isDown = false;
    const { uuid, received } = await begin(() => (isDown ? failed() : new Response()), 2);
    vi.setSystemTime(start + 31 * dayMs - 5000);
    isDown = true;
    await laneOf(uuid).redeliver(1);
    await settle(uuid);
    await tendAfter(uuid, 30);
    expect(await kept(uuid)).toEqual([2, 1]);
    isDown = false;
    await live(uuid, 3_600_000);
    await tendAfter(uuid, 31);
    expect(received).toHaveLength(5);
    expect(await kept(uuid)).toEqual([]);
  });
});

/** Five deliveries, of which the second and the fourth died. */
const twoDead = (): Promise<{ uuid: string; received: Received[] }> =>
  begin(
    ({ headers }) =>
      ["2", "4"].includes(headers.get("X-Orchest-Sequence") ?? "") ? failed() : new Response(),
    5,
    {
      retry: { max_attempts: 1 },
    },
  );

/** How many dead letters D1 knows of. */
const inD1 = (): Promise<number | null> =>
  env.DB.prepare("SELECT dead_letters FROM webhooks").first("dead_letters");

describe("dead letters", () => {
  it("are kept for 90 days, when the others of their day are gone", async () => {
    const { uuid } = await twoDead();
    await tendAfter(uuid, 30);
    expect(await kept(uuid)).toEqual([4, 2]);
    await tendAfter(uuid, 90 - 1 / dayMs);
    expect(await kept(uuid)).toEqual([4, 2]);
    expect(await laneOf(uuid).delivery(2)).toMatchObject({
      status: "dead",
      history: [{ number: 1, status: 500 }],
    });
    await tendAfter(uuid, 90);
    expect(await kept(uuid)).toEqual([]);
    expect(await rowsIn(uuid, "days")).toBe(0);
  });

  it("are counted while they are kept, here and in D1", async () => {
    const { uuid } = await twoDead();
    await tendAfter(uuid, 30);
    expect((await laneOf(uuid).stats())?.counts).toMatchObject({ delivered: 3, dead: 2 });
    expect(await inD1()).toBe(2);
    await tendAfter(uuid, 90);
    await runAlarms(uuid);
    expect((await laneOf(uuid).stats())?.counts).toMatchObject({ delivered: 3, dead: 0 });
    expect(await inD1()).toBe(0);
  });

  it("can be sent again although their day was pruned", async () => {
    const { uuid, received } = await twoDead();
    await tendAfter(uuid, 30);
    expect(await laneOf(uuid).redeliver(4)).toBe("done");
    await settle(uuid);
    expect(received.at(-1)?.headers.get("X-Orchest-Sequence")).toBe("4");
  });
});

describe("what waits", () => {
  it("is never pruned, nor is what else its day has", async () => {
    const { uuid, received } = await begin(
      ({ headers }) => (headers.get("X-Orchest-Sequence") === "3" ? failed() : new Response()),
      5,
    );
    await laneOf(uuid).pause();
    await tendAfter(uuid, 400);
    expect(await kept(uuid)).toEqual([5, 4, 3, 2, 1]);
    received.length = 0;
    await laneOf(uuid).resume();
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([3]);
  });

  it("keeps no earlier day that is finished", async () => {
    let isDown = false;
    const { uuid } = await begin(() => (isDown ? failed() : new Response()), 2);
    isDown = true;
    vi.setSystemTime(start + dayMs);
    await hand(uuid, times(2));
    await settle(uuid);
    await laneOf(uuid).pause();
    await tendAfter(uuid, 100);
    expect(await kept(uuid)).toEqual([4, 3]);
  });
});

describe("after a pruning", () => {
  it.each([
    ["everything went", () => new Response()],
    [
      "of a day only dead letters were left",
      ({ headers }: Received) => (headers.get("X-Orchest-Sequence") === "2" ? failed() : new Response()),
    ],
  ])("sequences go on where they were, across an eviction: %s", async (_, answer) => {
    const { uuid, received } = await begin(answer, 5, { retry: { max_attempts: 1 } });
    await tendAfter(uuid, 30);
    await evictDurableObject(laneOf(uuid));
    expect((await laneOf(uuid).stats())?.backlog).toBe(0);
    await hand(uuid, times(2));
    await settle(uuid);
    expect(sequencesOf(received).slice(-2)).toEqual([6, 7]);
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0 });
  });

  it("sequences go on also when a later day went and an earlier one still has dead letters", async () => {
    const { uuid, received } = await begin(
      ({ headers }) => (headers.get("X-Orchest-Sequence") === "2" ? failed() : new Response()),
      3,
      { retry: { max_attempts: 1 } },
    );
    vi.setSystemTime(start + dayMs);
    await hand(uuid, times(4));
    await settle(uuid);
    await tendAfter(uuid, 40);
    await tendAfter(uuid, 41);
    expect(await kept(uuid)).toEqual([2]);
    await evictDurableObject(laneOf(uuid));
    await hand(uuid, times(1));
    await settle(uuid);
    expect(sequencesOf(received).at(-1)).toBe(8);
    expect(await kept(uuid)).toEqual([8, 2]);
  });

  it("an event first accepted before it is a duplicate, and one first accepted after it is new", async () => {
    const { uuid, received } = await begin(() => new Response(), 3);
    await tendAfter(uuid, 30);
    const prunedThrough = start + dayMs;
    const config = await configOf(uuid);
    const repeat = async (firstAcceptedAt: number): Promise<unknown> =>
      laneOf(uuid).accept({
        config,
        events: [handoverEvent(makeEvent(), { maybeKnown: true, firstAcceptedAt })],
      });
    expect(await repeat(prunedThrough - 1)).toEqual({ outcome: "accepted", fresh: [false] });
    expect(await repeat(prunedThrough)).toEqual({ outcome: "accepted", fresh: [true] });
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 2, 3, 4]);
  });

  it("a lane that has nothing to do has no alarm", async () => {
    const { uuid } = await begin(() => new Response(), 3);
    await tendAfter(uuid, 30);
    await runAlarms(uuid);
    expect(await alarmOf(uuid)).toBeNull();
  });
});

it("counters that the rows contradict are put right once a day, with a line in the log", async () => {
  const { uuid } = await twoDead();
  const { logged } = captureLog();
  await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
    sql.exec("UPDATE lane SET record = json_set(record, '$.counters.dead', 7, '$.counters.finished', 6)");
  });
  await evictDurableObject(laneOf(uuid));
  expect(await laneOf(uuid).stats()).toMatchObject({ backlog: -1, counts: { dead: 7 } });
  await laneOf(uuid).maintain();
  expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts: { delivered: 3, dead: 2 } });
  expect(await inD1()).toBe(2);
  expect(logged()).toContain("counters were wrong");
  await laneOf(uuid).maintain();
  expect(logged().match(/counters were wrong/g)).toHaveLength(1);
});

it("a deleted webhook's storage is freed, whatever it had", async () => {
  const { uuid } = await begin(failed, 300, { ordering: "keyed" });
  await laneOf(uuid).close();
  const tables = await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) =>
    sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
      .toArray()
      .map(({ name }) => name),
  );
  expect(tables).toEqual(["lane"]);
  for (const sequence of range(1, 3)) expect(await laneOf(uuid).delivery(sequence)).toBeNull();
  expect(await laneOf(uuid).stats()).toBeNull();
});
