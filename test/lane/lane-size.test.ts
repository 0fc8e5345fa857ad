/** Large lanes, made by SQL: what a look at them reads, in rows. `LANE_ROWS=1000000` makes them ten times as large. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { LogQuery } from "../../src/lane/delivery-log";
import { passTime, stopClock } from "../clock";
import { makeListener } from "../event";
import { alarmOf, configOf, laneOf } from "../lane";
import { receiver } from "../receiver";
import { deliveriesTable, fill, rowsRead, size } from "./lane-rows";
import { change, hand, live, sequencesOf, settle, withoutJitter } from "./lane-traffic";

beforeEach(() => {
  stopClock();
  withoutJitter();
});

const dayMs = 86_400_000;
const failed = (): Response => new Response(null, { status: 500 });

const waiting = { status: "0", attempts: "0", line: "'job ' || (n % 300)" };
const delivered = { status: "1", attempts: "1", line: "'job ' || (n % 300)" };

/** Makes all that failed wait for another hour, in a lane that has looked through its deliveries up to `frontier`. */
async function waitAnHour(uuid: string, frontier: number): Promise<void> {
  await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
    sql.exec(
      `UPDATE ${deliveriesTable(sql)} SET next_attempt_at = ?1 + 3600000, started_at = ?1, duration_ms = 0,
         response_headers = '{}', response_body = '' WHERE status = 0`,
      Date.now(),
    );
    sql.exec("UPDATE lane SET record = json_set(record, '$.frontier', ?)", frontier);
  });
}

describe(`a lane that wakes with ${size} deliveries`, () => {
  it(
    "that wait reads at most 5,000 rows, in every ordering, and sends on in order",
    { timeout: 300_000 },
    async () => {
      for (const ordering of ["strict", "keyed", "none"]) {
        let isDown = true;
        const { received } = receiver(() => (isDown ? failed() : new Response()));
        const { uuid } = await makeListener({ ordering });
        await hand(uuid, ["a"]);
        await settle(uuid);
        await fill(uuid, waiting);
        await laneOf(uuid).pause();
        const read = await rowsRead(uuid, async () => {
          expect(await laneOf(uuid).stats()).toMatchObject({ backlog: size + 1, counts: { failed: 1 } });
        });
        expect(read, ordering).toBeLessThanOrEqual(5000);
        isDown = false;
        received.length = 0;
        await laneOf(uuid).resume();
        await vi.waitFor(() => expect(received.length).toBeGreaterThan(20));
        await laneOf(uuid).close();
        expect(Math.max(...sequencesOf(received).slice(0, 20)), ordering).toBeLessThan(40);
      }
    },
  );

  it(
    "and more failed heads before them than one page finds a new delivery in few rows",
    { timeout: 300_000 },
    async () => {
      const heads = 1500;
      const { received } = receiver(({ headers }) =>
        Number(headers.get("X-Orchest-Sequence")) <= heads ? failed() : new Response(),
      );
      for (const ordering of ["keyed", "none"]) {
        const { uuid } = await makeListener({ ordering });
        await hand(uuid, ["job 1"]);
        await settle(uuid);
        const status = `CASE WHEN n <= ${heads} THEN 0 ELSE 1 END`;
        await fill(uuid, { status, attempts: "1", line: "'job job ' || n" }, size + 1 - heads);
        await waitAnHour(uuid, size + 1);
        received.length = 0;
        const read = await rowsRead(uuid, async () => {
          await hand(uuid, ["a new one"]);
          await vi.waitFor(() => expect(sequencesOf(received)).toEqual([size + 2]));
          expect(await laneOf(uuid).stats()).toMatchObject({ backlog: heads });
        });
        expect(read, ordering).toBeGreaterThan(heads);
        expect(read, ordering).toBeLessThanOrEqual(6 * heads);
        // Each of the failed ones is known: it is due again when its time comes.
        await live(uuid, 3_600_000, () => received.length > 20);
        expect(sequencesOf(received).slice(1, 3), ordering).toEqual([1, 2]);
        await laneOf(uuid).close();
      }
    },
  );

  it(
    "that were delivered behind one that fails finds that one, and then what stands behind it",
    { timeout: 300_000 },
    async () => {
      let isDown = true;
      const { received } = receiver(({ headers }) =>
        isDown && headers.get("X-Orchest-Sequence") === "1" ? failed() : new Response(),
      );
      const { uuid } = await makeListener({ ordering: "keyed", retry: { max_attempts: 90 } });
      await hand(uuid, ["bad"]);
      await settle(uuid);
      await fill(uuid, delivered, size);
      await hand(uuid, ["bad", "well", "bad"]);
      await vi.waitFor(() => expect(sequencesOf(received)).toContain(size + 3));
      await settle(uuid);
      await change(uuid, { name: "Another" });
      const read = await rowsRead(uuid, async () => {
        expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 3, counts: { failed: 1, pending: 2 } });
        expect(await laneOf(uuid).blockedBy(5)).toMatchObject([{ sequence: 1 }]);
      });
      expect(read).toBeLessThanOrEqual(5000);
      isDown = false;
      received.length = 0;
      await live(uuid, 3_600_000, () => received.length === 3);
      expect(sequencesOf(received)).toEqual([1, size + 2, size + 4]);
      expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts: { failed: 0, dead: 0 } });
    },
  );
});

it(`dead letters among ${size} deliveries are listed, counted and replayed by what they are`, async () => {
  let isDown = true;
  const { received } = receiver(() => (isDown ? failed() : new Response()));
  const { uuid } = await makeListener({ retry: { max_attempts: 1 } });
  await hand(uuid, ["a"]);
  await settle(uuid);
  await fill(uuid, delivered, size);
  // As a lane writes it down that has looked through them.
  await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
    sql.exec("UPDATE lane SET record = json_set(record, '$.frontier', ?)", size + 1);
  });
  isDown = false;
  received.length = 0;
  const read = await rowsRead(uuid, async () => {
    const found = await laneOf(uuid).deadLetters({ limit: 10 });
    expect(found).toMatchObject({ count: 1, next: null, deliveries: [{ sequence: 1 }] });
    expect(await laneOf(uuid).deliveries({ status: "dead", limit: 10 })).toMatchObject({
      deliveries: [{ sequence: 1 }],
    });
    await laneOf(uuid).replayDead();
    await vi.waitFor(() => expect(sequencesOf(received)).toEqual([1]));
  });
  expect(read).toBeLessThanOrEqual(5000);
  await laneOf(uuid).configure(await configOf(uuid));
});

it(`a time range among ${size} dead letters is listed in few rows`, async () => {
  receiver(failed);
  const { uuid } = await makeListener({ retry: { max_attempts: 1 } });
  const first = Date.now() + 1;
  await hand(uuid, ["a"]);
  await settle(uuid);
  await fill(uuid, { status: "2", attempts: "1", line: "'a'", acceptedAt: `${first} + n - 1` }, size);
  const last = size + 1;
  const list = async (query: Partial<LogQuery>): Promise<unknown> => {
    const { deliveries, next } = await laneOf(uuid).deliveries({ status: "dead", limit: 5, ...query });
    return { listed: deliveries.map(({ sequence }) => sequence), next };
  };
  const nothing = { listed: [], next: null };
  for (const [query, listed] of [
    [{ since: first + last }, nothing],
    [{ until: first - 1 }, nothing],
    [{ since: first + 10, until: first + 10 }, nothing],
    [{ since: first + last - 2 }, { listed: [last, last - 1], next: null }],
    [
      { since: first + 499, until: first + 503 },
      { listed: [503, 502, 501, 500], next: null },
    ],
    [
      { since: first + 499, until: first + 505 },
      { listed: [505, 504, 503, 502, 501], next: 501 },
    ],
    [
      { since: first + 499, until: first + 505, before: 501 },
      { listed: [500], next: null },
    ],
    [{ since: first + 499, until: first + 505, before: 400 }, nothing],
    [{ until: first + 3 }, { listed: [3, 2, 1], next: null }],
    [{ status: "failed", since: first + 10 }, nothing],
    [{ status: "delivered", until: first + 3 }, nothing],
    [
      { eventType: "project:created", until: first + 3 },
      { listed: [3, 2, 1], next: null },
    ],
  ] as const) {
    const read = await rowsRead(uuid, async () => expect(await list(query)).toEqual(listed));
    expect(read, JSON.stringify(query)).toBeGreaterThan(10);
    expect(read, JSON.stringify(query)).toBeLessThanOrEqual(3000);
  }
});

it(
  `a day of ${size} dead letters is pruned in small steps, each wake-up arming the next`,
  { timeout: 300_000 },
  async () => {
    let isDown = true;
    const { received } = receiver(() => (isDown ? failed() : new Response()));
    const { uuid } = await makeListener({ retry: { max_attempts: 1 } });
    await hand(uuid, ["a"]);
    await settle(uuid);
    const day = Math.floor(Date.now() / dayMs);
    // Every tenth was delivered.
    await fill(uuid, { status: "CASE WHEN n % 10 = 0 THEN 1 ELSE 2 END", attempts: "2", line: "'a'" }, size);
    await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
      const table = deliveriesTable(sql);
      sql.exec(
        `UPDATE ${table} SET started_at = 0, duration_ms = 0, request_headers = '{}', response_headers = '{}',
           response_body = '' WHERE attempts = 2`,
      );
      sql.exec(
        `INSERT INTO attempts SELECT sequence, 1, 0, 0, 0, 500, 'http_5xx', '{}', '' FROM ${table} WHERE attempts = 2`,
      );
      sql.exec(
        "UPDATE lane SET record = json_set(record, '$.frontier', ?1, '$.lowWater', ?1 + 1, '$.countFrom', ?1 + 1, '$.countTo', ?1 + 1000)",
        size + 1,
      );
    });
    await evictDurableObject(laneOf(uuid));
    vi.setSystemTime((day + 31) * dayMs);
    await laneOf(uuid).maintain();
    const wakeUp = async (): Promise<void> => {
      expect(await alarmOf(uuid)).toBe(Date.now() + 1000);
      passTime(1000);
      await settle(uuid);
    };
    // The first is copied already, the last is not.
    isDown = false;
    for (const sequence of [1, size + 1]) await laneOf(uuid).redeliver(sequence);
    await vi.waitFor(() => expect(received).toHaveLength(3));
    await settle(uuid);
    for (let times = 0; times < 2; times++) {
      const read = await rowsRead(uuid, wakeUp);
      expect(read).toBeGreaterThan(1000);
      expect(read).toBeLessThanOrEqual(10_000);
    }
    const untilDone = async (): Promise<void> => {
      while ((await alarmOf(uuid)) !== null) await wakeUp();
    };
    const readInAll = await rowsRead(uuid, untilDone);
    expect(readInAll).toBeGreaterThan(size);
    expect(readInAll).toBeLessThanOrEqual(15 * size);
    const rowsOf = (query: string): Promise<number> =>
      runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => sql.exec<{ n: number }>(query).one().n);
    const dead = size - size / 10;
    expect(await rowsOf(`SELECT count(*) AS n FROM deliveries_${day} WHERE status = 2`)).toBe(dead - 1);
    expect(await rowsOf(`SELECT count(*) AS n FROM deliveries_${day}`)).toBe(dead);
    expect(await rowsOf("SELECT count(*) AS n FROM attempts")).toBeLessThanOrEqual(dead + 2);
    expect(await laneOf(uuid).delivery(1)).toMatchObject({ status: "delivered", attempts: 2 });
    // A view of the webhook reads none of them.
    isDown = true;
    await hand(uuid, ["b", "b"]);
    await settle(uuid);
    await laneOf(uuid).pause();
    const viewed = await rowsRead(uuid, async () => {
      expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 1 });
      await laneOf(uuid).blockedBy(5);
      await laneOf(uuid).deliveries({ status: "failed", limit: 5 });
    });
    expect(viewed).toBeLessThanOrEqual(3000);
    vi.setSystemTime((day + 91) * dayMs);
    await laneOf(uuid).maintain();
    await untilDone();
    expect(await rowsOf(`SELECT count(*) AS n FROM attempts WHERE sequence <= ${size + 1}`)).toBe(0);
    expect(await rowsOf(`SELECT count(*) AS n FROM days WHERE day = ${day}`)).toBe(0);
  },
);

it(`the statistics of ${size} deliveries that failed read a bounded number of rows`, async () => {
  receiver(failed);
  const { uuid } = await makeListener({ ordering: "none" });
  await hand(uuid, ["a"]);
  await settle(uuid);
  await fill(uuid, { ...waiting, attempts: "1" });
  await laneOf(uuid).pause();
  const read = await rowsRead(uuid, async () => {
    const counts = { failed: 10_000, pending: size + 1 - 10_000 };
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: size + 1, counts });
  });
  expect(read).toBeLessThanOrEqual(15_000);
});
