import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { passTime, stopClock } from "../clock";
import { archiveOnly, eventUuidsIn, makeEvent, makeEvents, makeListener, publish } from "../event";
import { alarmOf, configOf, handoverEvent, laneOf, runAlarms } from "../lane";
import { type Answering, captureLog, receiver, type Received } from "../receiver";
import { hand, live, range, sequencesOf, settle, times, withoutJitter } from "./lane-traffic";

const dayMs = 86_400_000;
const start = Date.UTC(2040, 0, 1);

beforeEach(() => {
  stopClock();
  withoutJitter();
});

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

  it("goes with more attempts than one call removes, by alarms a second apart, each after an eviction", async () => {
    const { uuid } = await begin(() => new Response(), 5);
    await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
      sql.exec(
        `INSERT INTO attempts WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers LIMIT 12000)
         SELECT n % 5 + 1, n, 0, 0, 0, 500, NULL, '{}', '' FROM numbers`,
      );
    });
    vi.setSystemTime(start + 31 * dayMs);
    await laneOf(uuid).maintain();
    expect(await rowsIn(uuid, "attempts")).toBe(7000);
    expect(await alarmOf(uuid)).toBe(Date.now() + 1000);
    for (const left of [2000, 0]) {
      passTime(1000);
      await evictDurableObject(laneOf(uuid));
      await settle(uuid);
      expect(await rowsIn(uuid, "attempts")).toBe(left);
    }
    expect(await kept(uuid)).toEqual([]);
    expect(await alarmOf(uuid)).toBeNull();
  });

  it("goes at once from a lane that was not called for many days", async () => {
    const { uuid } = await begin(() => new Response(), 2);
    for (let day = 1; day <= 11; day++) {
      vi.setSystemTime(start + day * dayMs);
      await hand(uuid, times(2));
      await settle(uuid);
    }
    await tendAfter(uuid, 40);
    await live(uuid, 10_000);
    expect(await kept(uuid)).toEqual([24, 23]);
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

describe("a replay by time", () => {
  it("of dead letters reaches as far back as they are kept, of all as far as what was delivered is", async () => {
    const { uuid, received } = await twoDead();
    await tendAfter(uuid, 89);
    const lane = laneOf(uuid);
    const prunedThrough = start + dayMs;
    expect(await lane.replay({ kind: "all", since: start, until: Date.now() })).toEqual({
      outcome: "tooEarly",
      earliest: prunedThrough,
    });
    expect(await lane.countReplay({ kind: "dead", since: start + 30_000, until: Date.now() })).toEqual({
      outcome: "counted",
      queued: 0,
      isExact: true,
    });
    received.length = 0;
    const since = start - dayMs;
    expect(await lane.countReplay({ kind: "dead", since, until: prunedThrough })).toMatchObject({
      queued: 2,
    });
    expect(await lane.replay({ kind: "dead", since, until: prunedThrough })).toMatchObject({ queued: 2 });
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([2, 4]);
  });

  it("of dead letters that are no longer kept is refused, and says from when on there may be some", async () => {
    const { uuid } = await twoDead();
    await tendAfter(uuid, 30);
    await tendAfter(uuid, 90);
    const earliest = start + dayMs;
    const replay = (since: number): Promise<unknown> =>
      laneOf(uuid).replay({ kind: "dead", since, until: Date.now() });
    expect(await replay(earliest - 1)).toEqual({ outcome: "tooEarly", earliest });
    expect(await replay(earliest)).toMatchObject({ outcome: "started", queued: 0 });
  });

  it("finds its range among a pruned day's few dead letters", async () => {
    const { received } = receiver(({ headers }) =>
      ["2", "7", "8", "9", "30"].includes(headers.get("X-Orchest-Sequence") ?? "")
        ? failed()
        : new Response(),
    );
    const { uuid } = await makeListener({ retry: { max_attempts: 1 } });
    for (let sequence = 1; sequence <= 40; sequence++) {
      vi.setSystemTime(start + sequence * 1000);
      await hand(uuid, times(1));
    }
    await vi.waitFor(() => expect(received).toHaveLength(40));
    await tendAfter(uuid, 30);
    expect(await kept(uuid)).toEqual([30, 9, 8, 7, 2]);
    for (const [from, to, queued] of [
      [1, 40, 5],
      [2, 7, 1],
      [3, 31, 4],
      [7, 10, 3],
      [8, 9, 1],
      [9, 30, 1],
      [10, 30, 0],
      [31, 50, 0],
    ] as const) {
      const range = { kind: "dead", since: start + from * 1000, until: start + to * 1000 } as const;
      expect(await laneOf(uuid).countReplay(range), `${from} to ${to}`).toMatchObject({ queued });
    }
  });
});

/** Starts a replay of what is missing at a day's end, which stands at its first delivery when the day is pruned. */
async function standingReplay(): Promise<{ uuid: string; sent: () => string[]; missing: string[] }> {
  let isDown = false;
  const { received } = receiver(() => (isDown ? failed() : new Response()));
  const { uuid } = await makeListener();
  const [first, last, later] = makeEvents(3);
  if (!first || !last || !later) throw new Error("There are three.");
  await archiveOnly(first);
  for (let batch = 0; batch < 3; batch++) {
    passTime(1);
    await publish(makeEvents(100));
  }
  passTime(1);
  await archiveOnly(last);
  await vi.waitFor(() => expect(received).toHaveLength(300));
  vi.setSystemTime(start + dayMs + 120_000);
  await archiveOnly(later);
  vi.setSystemTime(start + 30.5 * dayMs);
  isDown = true;
  received.length = 0;
  const request = { kind: "missing", since: start, until: Date.now() } as const;
  expect(await laneOf(uuid).replay(request)).toMatchObject({ outcome: "started", queued: 3 });
  await settle(uuid);
  expect(eventUuidsIn(received)).toContain(first.uuid);
  await tendAfter(uuid, 30);
  expect(await kept(uuid)).not.toContain(1);
  isDown = false;
  received.length = 0;
  return { uuid, sent: () => eventUuidsIn(received), missing: [first.uuid, later.uuid] };
}

describe("a replay of what is missing", () => {
  it("sends nothing again that was delivered, when its day is pruned between two pages", async () => {
    const { uuid, sent, missing } = await standingReplay();
    await live(uuid, 3_600_000);
    expect(sent()).toEqual(missing);
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts: { delivered: 302, dead: 0 } });
  });

  it("from before what the lane remembers is refused", async () => {
    const { uuid } = await standingReplay();
    const refused = { outcome: "tooEarly", earliest: start + dayMs };
    const request = { kind: "missing", since: start + dayMs - 1, until: Date.now() } as const;
    expect(await laneOf(uuid).replay(request)).toEqual(refused);
    expect(await laneOf(uuid).countReplay(request)).toEqual(refused);
  });

  it("sends nothing again that was delivered just before midnight by a clock that is slow", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    vi.setSystemTime(start + dayMs + 59_000);
    const event = makeEvent();
    await archiveOnly(event);
    // The lane's clock.
    vi.setSystemTime(start + dayMs - 1);
    const handed = handoverEvent(event, { firstAcceptedAt: start + dayMs + 59_000 });
    await laneOf(uuid).accept({ config: await configOf(uuid), events: [handed] });
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await tendAfter(uuid, 30);
    const request = { kind: "missing", since: start + dayMs, until: Date.now() } as const;
    expect(await laneOf(uuid).replay(request)).toMatchObject({ queued: 0 });
    await settle(uuid);
    expect(received).toHaveLength(1);
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

/** Falsifies the counters on disk. @param paths of the record, with what is there then. */
async function falsify(uuid: string, values: Record<string, number>): Promise<void> {
  await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
    for (const [name, value] of Object.entries(values)) {
      sql.exec(`UPDATE lane SET record = json_set(record, '$.counters.${name}', ?)`, value);
    }
  });
  await evictDurableObject(laneOf(uuid));
}

describe("counters that the rows contradict", () => {
  it("are put right once a day, with a line in the log", async () => {
    const { uuid } = await twoDead();
    const { logged } = captureLog();
    await falsify(uuid, { dead: 7, finished: 6, delivered: 1 });
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: -1, counts: { dead: 7 } });
    await laneOf(uuid).maintain();
    const right = { backlog: 0, counts: { pending: 0, failed: 0, delivered: 3, dead: 2 } };
    expect(await laneOf(uuid).stats()).toMatchObject(right);
    expect(await inD1()).toBe(2);
    expect(logged()).toMatch(/counters were wrong.*"finished":-1,"delivered":2,"dead":-5/);
    await laneOf(uuid).maintain();
    expect(logged().match(/counters were wrong/g)).toHaveLength(1);
    await evictDurableObject(laneOf(uuid));
    expect(await laneOf(uuid).stats()).toMatchObject(right);
  });

  it.each(["strict", "keyed", "none"])(
    "are put right while deliveries wait, in %s ordering",
    async (ordering) => {
      const { uuid } = await begin(
        ({ headers }) => (Number(headers.get("X-Orchest-Sequence")) > 3 ? failed() : new Response()),
        6,
        { ordering },
      );
      await laneOf(uuid).pause();
      await hand(uuid, times(4, "b"));
      const right = await laneOf(uuid).stats();
      expect(right).toMatchObject({ backlog: 7, counts: { delivered: 3, dead: 0 } });
      await falsify(uuid, { dead: 1, finished: 9, delivered: 0 });
      await laneOf(uuid).maintain();
      expect(await laneOf(uuid).stats()).toEqual(right);
    },
  );

  it("are put right after days were pruned, with their dead letters and without", async () => {
    const { uuid } = await twoDead();
    await tendAfter(uuid, 30);
    await falsify(uuid, { dead: 0, finished: 4, delivered: 5 });
    await laneOf(uuid).maintain();
    expect((await laneOf(uuid).stats())?.counts).toMatchObject({ delivered: 3, dead: 2 });
    await laneOf(uuid).redeliver(2);
    await tendAfter(uuid, 90);
    await falsify(uuid, { dead: 3, finished: 4, delivered: 5 });
    await laneOf(uuid).maintain();
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts: { delivered: 3, dead: 0 } });
  });

  it("are counted right although deliveries change while they are counted", async () => {
    let isDown = true;
    const { received } = receiver(() => (isDown ? failed() : new Response()));
    const { uuid } = await makeListener({ ordering: "none", retry: { max_attempts: 1 } });
    await hand(uuid, times(3));
    await runAlarms(uuid);
    await laneOf(uuid).pause();
    await hand(uuid, times(3));
    isDown = false;
    const { logged } = captureLog();
    // Between two steps, in which others have their turn, everything happens.
    const wait = vi.spyOn(scheduler, "wait");
    wait.mockImplementationOnce(async () => {
      await laneOf(uuid).resume();
      await laneOf(uuid).replayDead();
      await vi.waitFor(() => expect(received).toHaveLength(9));
      await hand(uuid, times(2));
      await vi.waitFor(() => expect(received).toHaveLength(11));
    });
    await laneOf(uuid).maintain();
    wait.mockRestore();
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts: { delivered: 8, dead: 0 } });
    expect(logged()).not.toContain("counters were wrong");
  });
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
