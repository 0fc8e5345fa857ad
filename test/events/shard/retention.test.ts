import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Event } from "../../../src/events/parse-events";
import { prune } from "../../../src/events/shard/retention";
import { ShardStore } from "../../../src/events/shard/shard-store";
import { passTime, stopClock } from "../../clock";
import {
  archive,
  countIn,
  event,
  fill,
  filledUuid,
  inShard,
  list,
  publish,
  restart,
  route,
  runAlarm,
  shard,
  shardsCount,
  webhook,
} from "./event-shard";

const dayMs = 86_400_000;
const before = { days: env.ARCHIVE_DAYS, gigabytes: env.ARCHIVE_GIGABYTES };

beforeEach(stopClock);
beforeEach(() => route());
afterEach(() => Object.assign(env, { ARCHIVE_DAYS: before.days, ARCHIVE_GIGABYTES: before.gigabytes }));

/** Has the shard keep texts of so many bytes: it was not told that there are others. */
function keepBytes(bytes: number): void {
  Object.assign(env, { ARCHIVE_GIGABYTES: String(bytes / 1e9) });
}

async function listed(): Promise<string[]> {
  const { events } = await list({ limit: 100, before: 0 });
  return events.map(({ uuid }) => uuid);
}

/** How many tables there are whose texts were not dropped. */
function readableTables(): Promise<number> {
  return inShard((sql) => sql.exec("SELECT * FROM event_tables WHERE has_texts").toArray().length);
}

/** An event of about 1,000 bytes. */
function large(): Event {
  return event({ body: JSON.stringify({ text: "x".repeat(790) }) });
}

/** Publishes large events to a shard that knows of so many, one a second, and runs its alarm after each. */
async function archiveLarge(count: number, shards: number): Promise<void> {
  for (let archived = 0; archived < count; archived += 1) {
    expect(await publish([large()], shards)).toMatchObject({ outcome: "archived" });
    passTime(1000);
    await runAlarm();
  }
}

describe("a day's events that are past their time", () => {
  it("go whole, with their uuids, when all of the day is, and the rest stays", async () => {
    Object.assign(env, { ARCHIVE_DAYS: "2" });
    const [old, late, young] = [event(), event(), event()];
    await archive(old);
    passTime(dayMs - 1);
    await archive(late);
    const newestOfDay = Date.now();
    passTime(1);
    const nextDay = Date.now();
    await archive(young);
    passTime(2 * dayMs - 1);
    await runAlarm();
    expect(await listed()).toEqual([young.uuid, late.uuid, old.uuid]);
    expect(await shard().completeSince()).toBe(0);
    passTime(1);
    await runAlarm();
    for (const again of [false, true]) {
      if (again) await restart();
      expect(await listed()).toEqual([young.uuid]);
      expect(await shard().completeSince()).toBe(newestOfDay + 1);
      expect(await list({ limit: 1, before: 0 })).toMatchObject({ next: null, reachesBackTo: nextDay });
      expect(await shard().find(old.uuid)).toBeNull();
    }
    expect(await archive(old, young)).toMatchObject([{ isKnown: false }, { isKnown: true }]);
  });

  it("go when there are no others, too, and ids rise on", async () => {
    Object.assign(env, { ARCHIVE_DAYS: "1" });
    await archive(event(), event());
    passTime(3 * dayMs);
    await runAlarm();
    await restart();
    expect(await listed()).toEqual([]);
    await archive(event());
    expect((await list()).events.map(({ id }) => id)).toEqual([3]);
  });

  it(
    "cost a few rows, and their uuids one for each 4,096, however many they are",
    { timeout: 300_000 },
    async () => {
      await fill(20_000);
      passTime(40 * dayMs);
      await archive(event());
      const counts = await countIn(async () => {
        await runAlarm();
        while (
          await inShard(
            (sql) =>
              sql.exec("SELECT 1 FROM uuid_runs WHERE newest_id BETWEEN 1 AND 20000").toArray().length > 0,
          )
        )
          await runAlarm();
      });
      expect(await listed()).toHaveLength(1);
      expect(counts.written).toBeGreaterThan(0);
      expect(counts.written).toBeLessThanOrEqual(30);
      expect(await archive(event({ uuid: filledUuid(7) }))).toMatchObject([{ isKnown: false }]);
    },
  );
});

describe("uuids beyond what a shard can hold", () => {
  it("go by the table, the oldest first, with their texts; the newest table stays", async () => {
    const events = [event(), event(), event()];
    for (const one of events) {
      await archive(one);
      passTime(dayMs);
    }
    const limits = { now: Date.now(), keptMs: 30 * dayMs, textBytesMax: 1e9 };
    const forget = (uuidsMax: number) =>
      inShard((sql) => prune(new ShardStore(sql), { ...limits, uuidsMax }));
    expect(await forget(3)).toEqual({ events: 0, texts: 0 });
    expect(await forget(2)).toEqual({ events: 1, texts: 0 });
    expect(await forget(0)).toEqual({ events: 1, texts: 0 });
    await restart();
    expect(await listed()).toEqual([events[2]?.uuid]);
    expect(await archive(...events)).toMatchObject([
      { isKnown: false },
      { isKnown: false },
      { isKnown: true },
    ]);
  });
});

describe("texts beyond the archive's size", () => {
  it("go by the table, the oldest first; their uuids stay known, though not whether they conflict", async () => {
    keepBytes(10_000);
    const events = Array.from({ length: 30 }, large);
    const times: number[] = [];
    for (const one of events) {
      times.push(Date.now());
      await archive(one);
      passTime(1000);
      await runAlarm();
    }
    const kept = (await listed()).length;
    expect(kept).toBeGreaterThanOrEqual(8);
    expect(kept).toBeLessThanOrEqual(11);
    const gone = events.slice(0, 30 - kept);
    for (const again of [false, true]) {
      if (again) await restart();
      expect(await listed()).toEqual(
        events
          .slice(30 - kept)
          .map(({ uuid }) => uuid)
          .toReversed(),
      );
      expect(await shard().completeSince()).toBe((times[gone.length - 1] ?? 0) + 1);
      for (const [place, one] of gone.entries()) {
        expect(await shard().find(one.uuid)).toBeNull();
        expect(await archive({ ...one, body: "{}" })).toMatchObject([
          { isKnown: true, firstAcceptedAt: times[place] },
        ]);
      }
    }
    expect(await publish([{ ...large(), uuid: events[29]?.uuid ?? "" }])).toMatchObject({
      outcome: "archived",
    });
    expect(await publish([event({ uuid: events[29]?.uuid ?? "" })])).toMatchObject({ outcome: "conflict" });
    const ids = (await list({ limit: 1, before: 0 })).events.map(({ id }) => id);
    expect(ids).toEqual([30]);
  });

  it("leave times in order when the clock goes back after a new table was begun", async () => {
    keepBytes(4000);
    await archive(large());
    passTime(60_000);
    const begunAt = Date.now();
    await runAlarm();
    expect(await readableTables()).toBe(2);
    passTime(-30_000);
    expect(await archive(event())).toMatchObject([{ firstAcceptedAt: begunAt }]);
  });

  it("are counted also by a shard that starts again, and by one that packed its uuids", async () => {
    passTime(dayMs / 2);
    await fill(5000);
    await archive(large());
    await restart();
    const bytes = await inShard((sql) => {
      const count = sql
        .exec<{ n: number }>("SELECT sum(200 + octet_length(body)) AS n FROM events_1")
        .one().n;
      return count;
    });
    keepBytes(bytes * 8 - 8);
    await runAlarm();
    await archive(event());
    expect(await readableTables()).toBe(2);
    keepBytes(bytes);
    await runAlarm();
    expect(await readableTables()).toBe(1);
    expect(await listed()).toHaveLength(1);
  });

  it("stay where they are when there are more shards, until all of before the growth are past their time", async () => {
    Object.assign(env, { ARCHIVE_DAYS: "30" });
    keepBytes(10_000 * shardsCount);
    await shard().decideShards(shardsCount);
    await archiveLarge(12, shardsCount);
    const kept = await listed();
    expect(kept.length).toBeGreaterThanOrEqual(8);
    for (const shards of [2 * shardsCount, 4 * shardsCount]) {
      await shard().decideShards(shards);
      passTime(dayMs);
      await runAlarm();
      expect(await listed()).toEqual(kept);
    }
    await restart();
    // The last growth is 29 days ago.
    passTime(28 * dayMs - 20_000);
    await archiveLarge(10, 4 * shardsCount);
    expect((await listed()).length).toBeGreaterThanOrEqual(8);
    passTime(2 * dayMs);
    await archiveLarge(1, 4 * shardsCount);
    expect((await listed()).length).toBeLessThanOrEqual(3);
  });

  it("leave a late repeat to the subscriptions of then", async () => {
    keepBytes(1000);
    const one = large();
    route({ version: 5, match: () => [webhook(1, 5)] });
    await archive(one);
    await runAlarm();
    await archive(large());
    await runAlarm();
    expect(await shard().find(one.uuid)).toBeNull();
    route({ version: 6, match: () => [webhook(1, 5), webhook(2, 6)] });
    expect(await archive(one)).toMatchObject([{ isKnown: true, webhooks: [0, 1] }]);
    passTime(600_000);
    await restart();
    expect(await archive(one)).toMatchObject([{ isKnown: true, webhooks: [0] }]);
  });

  it("go with all that is known of them when their day is past its time", async () => {
    keepBytes(1000);
    Object.assign(env, { ARCHIVE_DAYS: "1" });
    const one = large();
    await archive(one);
    await runAlarm();
    await archive(large());
    await runAlarm();
    passTime(2 * dayMs);
    await runAlarm();
    expect(await archive(one)).toMatchObject([{ isKnown: false }]);
    expect(await list({ limit: 1, before: 0 })).toMatchObject({ events: [{ id: 3 }], next: null });
  });
});
