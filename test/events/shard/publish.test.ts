import { beforeEach, describe, expect, it, vi } from "vitest";
import { RoutingChanges } from "../../../src/events/shard/routing-changes";
import { passTime, stopClock } from "../../clock";
import {
  archive,
  countIn,
  event,
  inShard,
  list,
  publish,
  restart,
  route,
  shard,
  webhook,
  shardsCount,
} from "./event-shard";

const minuteMs = 60_000;

beforeEach(stopClock);
beforeEach(() => route());

describe("a new event", () => {
  it("is archived in the request's order, with what routing says of it", async () => {
    route({
      version: 7,
      match: ({ type }) => (type === "project:created" ? [webhook(1), webhook(2)] : [webhook(2)]),
    });
    const events = [event(), event({ type: "project:deleted" }), event()];
    expect(await publish(events)).toEqual({
      outcome: "archived",
      routingVersion: 7,
      webhooks: [webhook(1).webhook, webhook(2).webhook],
      events: [
        { uuid: events[0]?.uuid, firstAcceptedAt: Date.now(), isKnown: false, webhooks: [0, 1] },
        { uuid: events[1]?.uuid, firstAcceptedAt: Date.now(), isKnown: false, webhooks: [1] },
        { uuid: events[2]?.uuid, firstAcceptedAt: Date.now(), isKnown: false, webhooks: [0, 1] },
      ],
    });
    const { events: listed } = await list();
    expect(listed.map(({ uuid }) => uuid)).toEqual(events.map(({ uuid }) => uuid).toReversed());
    expect(listed.map(({ id }) => id)).toEqual([3, 2, 1]);
  });

  it("is found with its text as it came, and with whom it came from", async () => {
    const one = event({
      projectUuid: crypto.randomUUID(),
      jobUuid: crypto.randomUUID(),
      body: '{ "uuid" : "…😀" , "\\u0000": 1e400 }',
    });
    await archive(one);
    await restart();
    expect(await shard().find(one.uuid)).toMatchObject({
      uuid: one.uuid,
      type: one.type,
      project_uuid: one.projectUuid,
      job_uuid: one.jobUuid,
      timestamp: one.timestamp,
      accepted_at: Date.now(),
      publisher: "queue",
      body: one.body,
    });
    expect(await shard().find(crypto.randomUUID())).toBeNull();
  });

  it("gets ids that rise for good, also on the next day and when the clock goes back", async () => {
    await archive(event(), event());
    passTime(86_400_000);
    const tomorrow = Date.now();
    await archive(event());
    passTime(-5000);
    await restart();
    const [late] = await archive(event());
    expect(late?.firstAcceptedAt).toBe(tomorrow);
    const { events } = await list();
    expect(events.map(({ id }) => id)).toEqual([4, 3, 2, 1]);
  });

  it("writes one row, single or in a batch, but for some 5 rows of the first one and of every 4,096th", async () => {
    await archive(event());
    const singles = await countIn(async () => {
      for (let count = 0; count < 200; count += 1) await archive(event());
    });
    expect(singles.written).toBe(200);
    const batches = Array.from({ length: 50 }, () => Array.from({ length: 100 }, () => event()));
    const inBatches = await countIn(async () => {
      for (const batch of batches) await archive(...batch);
    });
    expect(inBatches.written).toBeGreaterThan(5000);
    expect(inBatches.written).toBeLessThanOrEqual(5000 + 6);
    // Those that are packed, those that are not, and the requests in which both are.
    for (const again of [false, true]) {
      if (again) await restart();
      for (const batch of batches) {
        const unknown = (await archive(...batch)).filter(({ isKnown }) => !isKnown);
        expect(unknown).toEqual([]);
      }
      const [packed, newest] = [batches[0]?.[99], batches[49]?.[99]].map((one) =>
        event({ uuid: one?.uuid ?? "", body: "{}" }),
      );
      const fresh = event();
      expect(await publish([packed ?? fresh, fresh, newest ?? fresh])).toEqual({
        outcome: "conflict",
        uuids: [packed?.uuid, newest?.uuid],
      });
    }
  });
});

describe("a repeat", () => {
  it("is known, and said to be of its first acceptance, also after a restart and next to new ones", async () => {
    const [one, other] = [event(), event()];
    const at = Date.now();
    await archive(one);
    passTime(minuteMs);
    for (const again of [false, true]) {
      if (again) await restart();
      expect(await archive(one)).toMatchObject([{ uuid: one.uuid, firstAcceptedAt: at, isKnown: true }]);
    }
    expect(await archive(other, one)).toMatchObject([
      { firstAcceptedAt: Date.now(), isKnown: false },
      { firstAcceptedAt: at, isKnown: true },
    ]);
    expect((await list()).events).toHaveLength(2);
  });

  it("writes no row", async () => {
    const one = event();
    await archive(one);
    expect((await countIn(() => archive(one))).written).toBe(0);
  });

  it("within 10 minutes goes to whoever matches now; later, to the subscriptions of then", async () => {
    const one = event();
    route({ version: 5, match: () => [webhook(1, 5)] });
    await archive(one);
    route({ version: 6, match: () => [webhook(1, 5), webhook(2, 6)] });
    passTime(10 * minuteMs - 1);
    expect(await archive(one)).toMatchObject([{ webhooks: [0, 1] }]);
    passTime(1);
    for (const again of [false, true]) {
      if (again) await restart();
      const answer = await publish([one]);
      expect(answer).toMatchObject({ webhooks: [webhook(1).webhook], events: [{ webhooks: [0] }] });
    }
    expect(await publish([one, event()])).toMatchObject({
      webhooks: [webhook(1).webhook, webhook(2).webhook],
      events: [{ webhooks: [0] }, { webhooks: [0, 1] }],
    });
  });

  it("that comes at the same time as the first is one: either is archived once", async () => {
    const one = event();
    const answers = await Promise.all([archive(one), archive(one), archive(one, event())]);
    expect(answers.map(([first]) => first?.isKnown).filter((isKnown) => !isKnown)).toHaveLength(1);
    expect((await list()).events).toHaveLength(2);
  });

  it("of a publish whose answer was lost with its object goes to whoever matches now", async () => {
    const one = event();
    route({ match: () => [webhook(1)] });
    // The object is gone between the commit and the answer.
    await publish([one]);
    await inShard((_, storage) => storage.sync());
    await restart();
    expect(await archive(one)).toMatchObject([{ isKnown: true, webhooks: [0] }]);
  });
});

describe("a known uuid with another text", () => {
  it("is a conflict, and nothing of its request is archived", async () => {
    const [one, fresh] = [event(), event()];
    await archive(one);
    const other = { ...one, body: `${one.body} ` };
    for (const again of [false, true]) {
      if (again) await restart();
      expect(await publish([fresh, other, one])).toEqual({ outcome: "conflict", uuids: [one.uuid] });
      expect(await shard().texts([fresh.uuid, one.uuid])).toEqual([{ uuid: one.uuid, text: one.body }]);
    }
    expect((await list()).events).toHaveLength(1);
    expect(await archive(fresh)).toMatchObject([{ isKnown: false }]);
  });

  it("at the same time as the first conflicts with whichever came first", async () => {
    const one = event();
    const answers = await Promise.all([publish([one]), publish([{ ...one, body: "{}" }])]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(["archived", "conflict"]);
  });
});

describe("a shard", () => {
  it("refuses callers that believe in another number of shards, also after a restart", async () => {
    vi.restoreAllMocks();
    await archive(event());
    for (const again of [false, true]) {
      if (again) await restart();
      expect(await publish([event()], 8)).toEqual({ outcome: "resharded", shards: shardsCount });
    }
    expect((await list()).events).toHaveLength(1);
  });

  it("archives nothing while its routing cannot be made current", async () => {
    vi.spyOn(RoutingChanges.prototype, "current").mockResolvedValue(false);
    const one = event();
    expect(await publish([one])).toMatchObject({ outcome: "unavailable" });
    expect(await shard().find(one.uuid)).toBeNull();
  });

  it("says so in the log when storage takes no writes, throws, and goes on from its disk when it does", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const [before, broken] = [event(), event()];
    await archive(before);
    await inShard((sql) => {
      sql.exec(`CREATE TRIGGER broken BEFORE INSERT ON events_1 WHEN new.uuid = '${broken.uuid}'
        BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
    });
    // The first of the two is undone with the second.
    const undone = event();
    await expect(publish([undone, broken])).rejects.toThrow("full");
    expect(logged.mock.calls.flat().join()).toContain("a transaction failed");
    expect(await shard().find(undone.uuid)).toBeNull();
    await inShard((sql) => void sql.exec("DROP TRIGGER broken"));
    expect(await archive(before, undone, broken)).toMatchObject([
      { isKnown: true },
      { isKnown: false },
      { isKnown: false },
    ]);
    const { events } = await list();
    expect(events.map(({ id }) => id)).toEqual([3, 2, 1]);
  });
});
