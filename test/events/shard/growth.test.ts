/** The number of event shards is raised, with callers that still know the old one. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { findEvent } from "../../../src/events/find-event";
import { growShards } from "../../../src/events/grow-shards";
import { listEvents } from "../../../src/events/list-events";
import { readMatchingEvents } from "../../../src/events/missing-events";
import { publishToShards } from "../../../src/events/publish-to-shards";
import { countShards, noteShards } from "../../../src/events/shard-count";
import { changeRouting } from "../../../src/events/shard/routing-shards";
import { EventShard } from "../../../src/events/shard/event-shard";
import { shardOf, shardStub } from "../../../src/events/shard/shard-of";
import type { UuidPage } from "../../../src/events/shard/uuid-transfer";
import { passTime, stopClock } from "../../clock";
import { makeListener } from "../../event";
import { captureLog } from "../../receiver";
import { emptyStorage, makeTables } from "../../storage";
import { countIn, event, fill, filledUuid, shardsCount } from "./event-shard";
import {
  around,
  call,
  evictAll,
  eventsThat,
  failCall,
  grow,
  grownCount,
  knownIn,
  publishAs,
  rows,
  stored,
  wantAsBefore,
  wantMore,
} from "./growth";

const minuteMs = 60_000;
const dayMs = 86_400_000;
const numbers = [shardsCount, grownCount];

beforeEach(() => void captureLog());
afterEach(wantAsBefore);

/** Publishes before the growth. */
async function publishBefore(events: ReturnType<typeof event>[]): Promise<void> {
  for (const one of events) expect(knownIn(await publishAs(shardsCount, one))).toBe(false);
}

/** Publishes one event a millisecond: what two shards accept in the same one has no order. The clock must be stopped. */
async function publishInTurn(events: ReturnType<typeof event>[]): Promise<void> {
  for (const one of events) {
    await publishToShards(env, [one], "queue");
    passTime(1);
  }
}

/** As at the beginning of a test. */
async function startAgain(): Promise<void> {
  wantAsBefore();
  await emptyStorage();
  await makeTables();
}

const uuidsOf = (events: { uuid: string }[]): string[] => events.map(({ uuid }) => uuid);

describe("after a growth", () => {
  it("a repeat is a repeat and another text a conflict, whatever number its caller believes in", async () => {
    const events = [...eventsThat(true, 6), ...eventsThat(false, 4)];
    await publishBefore(events);
    await grow();
    for (const restarted of [false, true]) {
      if (restarted) await evictAll();
      for (const believed of numbers) {
        for (const one of events) {
          expect(knownIn(await publishAs(believed, one))).toBe(true);
          expect(knownIn(await publishAs(believed, { ...one, body: '{"other":1}' }))).toBe("conflict");
        }
      }
    }
    expect(await rows()).toEqual(uuidsOf(events).toSorted());
  });

  it("a new event of whoever knows the number is one call, and asks no shard of before", async () => {
    await publishBefore(eventsThat(true, 20));
    await grow();
    noteShards(grownCount);
    const calls: string[] = [];
    for (const name of ["publish", "texts", "uuidsOf", "shardCount", "find"] as const) {
      around(name, (run) => {
        calls.push(name);
        return run();
      });
    }
    for (const one of eventsThat(true, 10)) {
      calls.length = 0;
      await publishToShards(env, [one], "queue");
      expect(calls).toEqual(["publish"]);
    }
  });

  it("an event of before is found by its uuid, listed and read as missing, with those of the new shards", async () => {
    stopClock();
    const { uuid: listener } = await makeListener();
    const before = [...eventsThat(true, 4), ...eventsThat(false, 4)];
    await publishInTurn(before);
    const first = await listEvents(env, { limit: 3 });
    await grow();
    noteShards(shardsCount);
    const after = eventsThat(true, 4);
    await publishInTurn(after);
    for (const believed of numbers) {
      noteShards(believed);
      for (const one of [...before, ...after])
        expect((await findEvent(env, one.uuid))?.body, one.uuid).toBe(one.body);
      noteShards(believed);
      const listed = await listEvents(env, { limit: 100 });
      expect(uuidsOf(listed.events)).toEqual(uuidsOf([...before, ...after]).toReversed());
      noteShards(believed);
      const missing = await readMatchingEvents(env, listener, {
        after: "",
        since: 0,
        until: Date.now() + 1000,
        limit: 100,
      });
      expect(uuidsOf(missing.events)).toEqual(uuidsOf([...before, ...after]));
    }
    // A list that began before goes on without what came since.
    const rest: string[] = [];
    for (let { next } = first; next !== null;) {
      const page = await listEvents(env, { limit: 3, before: next });
      rest.push(...uuidsOf(page.events));
      next = page.next;
    }
    expect([...uuidsOf(first.events), ...rest]).toEqual(uuidsOf(before).toReversed());
  });

  it("a late repeat goes to the subscriptions of its first time; one within 10 minutes to those of now", async () => {
    const { uuid: early } = await makeListener();
    const [one] = eventsThat(true, 1);
    if (one === undefined) throw new Error("no event");
    await publishBefore([one]);
    await grow();
    const { uuid: later } = await makeListener();
    expect(await publishAs(grownCount, one)).toMatchObject({ webhooks: [{ uuid: early }, { uuid: later }] });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 10 * minuteMs });
    expect(await publishAs(grownCount, one)).toMatchObject({ webhooks: [{ uuid: early }] });
    vi.useRealTimers();
  });

  it("a change that was answered is seen by the next publish, on every shard, also after a restart", async () => {
    await publishBefore(eventsThat(true, 1));
    await grow();
    const webhooks: string[] = [];
    for (let change = 0; change < 5; change += 1) {
      webhooks.push((await makeListener()).uuid);
      if (change % 2 === 1) await evictAll();
      for (const one of [...eventsThat(true, 4), ...eventsThat(false, 2)])
        expect(await publishAs(grownCount, one)).toMatchObject({
          webhooks: webhooks.map((uuid) => ({ uuid })),
        });
    }
  });

  it("a second growth takes over what the first one did: texts are asked for where they lie", async () => {
    const events = [...eventsThat(true, 20), ...eventsThat(false, 10)];
    await publishBefore(events);
    await grow();
    const between = eventsThat(true, 10);
    for (const one of between) await publishAs(grownCount, one);
    Object.assign(env, { EVENT_SHARDS: "7" });
    for (let runs = 0; (await stored()).shards !== 7; runs += 1) {
      expect(runs).toBeLessThan(5);
      await growShards(env);
    }
    for (const believed of [...numbers, 7]) {
      for (const one of [...events, ...between]) {
        expect(knownIn(await publishAs(believed, one))).toBe(true);
        expect(knownIn(await publishAs(believed, { ...one, body: "{}" }))).toBe("conflict");
      }
    }
    for (const one of events) expect((await findEvent(env, one.uuid))?.body).toBe(one.body);
  });
});

describe("a growth", () => {
  it("does nothing before the first publish, nor where fewer are wanted, which is said once", async () => {
    const { logged } = captureLog();
    wantMore();
    await growShards(env);
    expect(await stored()).toEqual({ shards: 0, next: null });
    wantAsBefore();
    await publishBefore([event()]);
    Object.assign(env, { EVENT_SHARDS: "1" });
    for (let run = 0; run < 3; run += 1) await growShards(env);
    expect(await stored()).toEqual({ shards: shardsCount, next: null });
    expect(logged().split("EVENT_SHARDS is ignored").length - 1).toBe(1);
  });

  it("goes on to the number that it began with, whatever is wanted by then", async () => {
    await publishBefore([event()]);
    wantMore();
    failCall("decideShards", 1, "before");
    await expect(growShards(env)).rejects.toThrow("gone");
    expect(await stored()).toEqual({ shards: shardsCount, next: grownCount });
    for (const [wanted, shards] of [
      ["1", grownCount],
      ["9", 9],
    ] as const) {
      Object.assign(env, { EVENT_SHARDS: wanted });
      await growShards(env);
      expect(await stored()).toEqual({ shards, next: null });
    }
  });

  it("that has not been decided changes nothing: a new shard sends its callers to the others", async () => {
    const events = eventsThat(true, 5);
    await publishBefore(events);
    wantMore();
    failCall("decideShards", 1, "before");
    await expect(growShards(env)).rejects.toThrow("gone");
    for (const one of [...events, ...eventsThat(true, 5)]) {
      expect(await call(one, grownCount)).toEqual({ outcome: "resharded", shards: shardsCount });
      expect(knownIn(await publishAs(grownCount, one))).toBe(events.includes(one));
    }
    await grow();
  });

  const faults = [
    ...([1, 3] as const).map((nth) => ({ name: "prepare" as const, nth })),
    { name: "decideShards" as const, nth: 1 },
    ...([1, 4, 5, 7, 8] as const).map((nth) => ({ name: "uuidsOf" as const, nth })),
    ...([1, 2, 4] as const).map((nth) => ({ name: "shardCount" as const, nth })),
  ];

  it.each(["before", "after"] as const)(
    "that breaks off %s any of its calls accepts nothing twice, and is finished by whoever comes next",
    async (when) => {
      for (const { name, nth } of faults) {
        const label = `${when} call ${nth} of ${name}`;
        const before = [...eventsThat(true, 4), ...eventsThat(false, 2)];
        await publishBefore(before);
        wantMore();
        const { hasFailed } = failCall(name, nth, when);
        await growShards(env).catch(() => undefined);
        expect(hasFailed(), label).toBe(true);
        vi.restoreAllMocks();
        captureLog();
        await evictAll();
        const during = [...eventsThat(true, 4), ...eventsThat(false, 2)];
        for (const [place, one] of during.entries())
          expect(knownIn(await publishAs(numbers[place % 2] ?? 0, one)), label).toBe(false);
        await grow();
        const all = [...before, ...during];
        for (const believed of numbers)
          for (const one of all) expect(knownIn(await publishAs(believed, one)), label).toBe(true);
        expect(await rows(), label).toEqual(uuidsOf(all).toSorted());
        await startAgain();
      }
    },
  );

  it("whose database is gone once shard 0 has decided goes on without it", async () => {
    const events = eventsThat(true, 6);
    await publishBefore(events);
    wantMore();
    around("decideShards", async (run) => {
      await run();
      for (const method of ["prepare", "batch"] as const)
        vi.spyOn(env.DB, method).mockImplementation(() => {
          throw new Error("D1 is gone");
        });
    });
    await expect(growShards(env)).rejects.toThrow("D1");
    await evictAll();
    for (const one of events)
      for (const believed of numbers) expect(knownIn(await publishAs(believed, one))).toBe(true);
    const fresh = eventsThat(true, 6);
    for (const one of fresh) expect(knownIn(await publishAs(shardsCount, one))).toBe(false);
    for (const one of fresh) expect((await findEvent(env, one.uuid))?.body).toBe(one.body);
    vi.restoreAllMocks();
    captureLog();
    await grow();
    expect(await rows()).toEqual(uuidsOf([...events, ...fresh]).toSorted());
  });

  it("that is decided while a publish waits for something has it repeated at the new shard", async () => {
    const one = eventsThat(true, 20).find(({ uuid }) => shardOf(uuid, shardsCount) === 0);
    if (one === undefined) throw new Error("no event");
    for (const event of eventsThat(false, 6)) await publishAs(shardsCount, event);
    await shardStub(env, 0).announce("a change");
    const gate = Promise.withResolvers<void>();
    const batch = env.DB.batch.bind(env.DB);
    const pull = vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
      await gate.promise;
      return batch<never>(statements);
    });
    const answer = call(one, shardsCount);
    await vi.waitFor(() => expect(pull).toHaveBeenCalledOnce());
    await shardStub(env, 0).decideShards(grownCount);
    gate.resolve();
    expect(await answer).toEqual({ outcome: "resharded", shards: grownCount });
  });

  it("that breaks off is finished by cron alone, where nobody publishes", async () => {
    await publishBefore(eventsThat(true, 3));
    wantMore();
    failCall("uuidsOf", 6, "after");
    await growShards(env).catch(() => undefined);
    for (let runs = 0; (await stored()).shards !== grownCount; runs += 1) {
      expect(runs).toBeLessThan(3);
      await growShards(env);
    }
    expect(await stored()).toEqual({ shards: grownCount, next: null });
  });

  it("of two runs of cron at once is one", async () => {
    const events = eventsThat(true, 10);
    await publishBefore(events);
    wantMore();
    await Promise.allSettled([growShards(env), growShards(env), growShards(env)]);
    await grow();
    for (const one of events) expect(knownIn(await publishAs(grownCount, one))).toBe(true);
    expect(await rows()).toEqual(uuidsOf(events).toSorted());
  });

  it("under load, with callers of either number, accepts each event once and loses none", async () => {
    await publishBefore([event()]);
    const events = [...eventsThat(true, 60), ...eventsThat(false, 40)].toSorted((a, b) =>
      a.uuid < b.uuid ? -1 : 1,
    );
    const accepted = new Map<string, number>();
    const publishing = async (): Promise<void> => {
      for (const [place, one] of events.entries()) {
        const answers = await Promise.all(numbers.map((believed) => publishAs(believed, one)));
        for (const answer of answers)
          if (knownIn(answer) === false) accepted.set(one.uuid, (accepted.get(one.uuid) ?? 0) + 1);
        expect(answers.map(knownIn).filter((known) => known === false).length, `event ${place}`).toBe(1);
      }
    };
    await Promise.all([publishing(), grow()]);
    expect([...accepted.values()].every((times) => times === 1)).toBe(true);
    expect(accepted.size).toBe(events.length);
    for (const one of events) expect(knownIn(await publishAs(grownCount, one))).toBe(true);
  });

  it("has a change that was announced to fewer shards begin anew", async () => {
    await publishBefore([event()]);
    let commits = 0;
    await changeRouting(env, async (record) => {
      commits += 1;
      if (commits === 1) await env.DB.prepare("UPDATE routing SET shards_next = ?").bind(grownCount).run();
      return env.DB.batch([record.statement(env.DB)]);
    });
    expect(commits).toBe(2);
    const announce = vi.spyOn(EventShard.prototype, "announce");
    await makeListener();
    expect(announce).toHaveBeenCalledTimes(grownCount);
  });
});

describe("while a growth is wanted and has not begun,", () => {
  it("publishers that believe in the new number are told the old one, also without D1", async () => {
    await publishBefore(eventsThat(false, 20));
    wantMore();
    for (const method of ["prepare", "batch"] as const)
      vi.spyOn(Object.getPrototypeOf(env.DB) as D1Database, method).mockImplementation(() => {
        throw new Error("D1 is gone");
      });
    for (const one of eventsThat(true, 5)) {
      expect(await call(one, grownCount)).toEqual({ outcome: "resharded", shards: shardsCount });
      expect(knownIn(await publishAs(grownCount, one))).toBe(false);
    }
  });
});

it("a copy of uuids that storage does not take is made again from its beginning", async () => {
  const events = eventsThat(true, 40);
  await publishBefore(events);
  const joining = Array.from({ length: grownCount - shardsCount }, (_, place) => shardsCount + place);
  const inEach = async (statement: string): Promise<void> => {
    for (const shard of joining) {
      // An object that was aborted fails once more.
      await shardStub(env, shard)
        .completeSince()
        .catch(() => undefined);
      await runInDurableObject(shardStub(env, shard), (_, { storage }) => void storage.sql.exec(statement));
    }
  };
  await inEach(
    `CREATE TRIGGER broken BEFORE UPDATE ON shard WHEN json_type(new.record, '$.joining.cursors[0].inheritedKey') = 'null'
     BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`,
  );
  wantMore();
  await expect(growShards(env)).rejects.toThrow("full");
  await inEach("DROP TRIGGER broken");
  await grow();
  for (const one of events) expect(knownIn(await publishAs(grownCount, one))).toBe(true);
});

describe("a database that was restored from before a growth", () => {
  it("is told of the number by cron; until then changes reach all shards, and readers ask all", async () => {
    const [one] = eventsThat(true, 1);
    if (one === undefined) throw new Error("no event");
    await publishBefore([one]);
    await grow();
    const later = eventsThat(true, 2);
    for (const event of later) await publishAs(shardsCount, event);
    await env.DB.prepare("UPDATE routing SET shards = ?, shards_next = NULL").bind(shardsCount).run();
    wantAsBefore();
    noteShards(shardsCount);
    const { uuid } = await makeListener();
    for (const fresh of eventsThat(true, 4))
      expect(await publishAs(shardsCount, fresh)).toMatchObject({ webhooks: [{ uuid }] });
    expect(await countShards(env)).toBe(grownCount);
    for (const event of later) expect(await findEvent(env, event.uuid)).not.toBeNull();
    expect(knownIn(await publishAs(shardsCount, one))).toBe(true);
    await growShards(env);
    expect(await stored()).toEqual({ shards: grownCount, next: null });
  });
});

describe("with the clock in the hands of the test,", () => {
  beforeEach(stopClock);

  it("what was taken over is forgotten with its time, and how far back repeats are known is said", async () => {
    const events = eventsThat(true, 8);
    await publishBefore(events);
    await grow();
    const archiveMs = Number(env.ARCHIVE_DAYS) * dayMs;
    const acceptedAt = Date.now();
    const shard = shardOf(events[0]?.uuid ?? "", grownCount);
    for (const [passed, isKnown] of [
      [archiveMs - minuteMs, true],
      [dayMs + minuteMs, false],
    ] as const) {
      passTime(passed);
      await evictAll();
      for (let number = 0; number < grownCount; number += 1)
        await runDurableObjectAlarm(shardStub(env, number));
      const since = Number(await shardStub(env, shard).knownSince(grownCount));
      expect(since > acceptedAt).toBe(!isKnown);
      for (const one of events) expect(knownIn(await publishAs(grownCount, one))).toBe(isKnown);
    }
  });

  it("so many events are copied by bounded steps, and few rows are written for them", async () => {
    const count = Number(env.SHARD_ROWS);
    await publishBefore([event()]);
    await fill(count);
    wantMore();
    const calls: number[] = [];
    around("uuidsOf", async (run) => {
      const page = (await run()) as UuidPage;
      calls.push(page.page.byteLength / 32);
      return page;
    });
    const { read, written } = await countIn(() => growShards(env));
    for (let runs = 0; (await stored()).shards !== grownCount; runs += 1) await growShards(env);
    // 4 pages of some 4,096 in a call; half of them move, to one of two.
    expect(Math.max(...calls)).toBeLessThan(4 * 4096 + 4096);
    expect(read).toBeLessThan(count / 100);
    expect(written).toBeLessThan(count / 200);
    vi.restoreAllMocks();
    captureLog();
    for (let id = 10; id < count; id += Math.ceil(count / 200)) {
      const uuid = filledUuid(id);
      if (shardOf(uuid, shardsCount) !== 0) continue;
      const one = event({ uuid, body: JSON.stringify({ uuid, type: "project:created" }) });
      expect(knownIn(await publishAs(grownCount, one)), uuid).toBe(true);
    }
  });
});
