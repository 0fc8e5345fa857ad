import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { listEvents } from "../../src/events/list-events";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { passTime, stopClock } from "../clock";
import { makeEvent, makeListener, publish } from "../event";
import { alarmOf, configOf, handoverEvent, interceptAccept, laneOf, runAlarm } from "../lane";
import { type Answering, receiver, type Received } from "../receiver";
import { hand, live, range, settle, times, withoutJitter } from "./lane-traffic";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const ownTypes = ["webhook:disabled", "webhook:delivery-dead", "webhook:recovered"];

beforeEach(() => {
  stopClock();
  withoutJitter();
});

const failed = (status = 500): Response => new Response(null, { status });

/** What D1 says of a webhook. */
function row(uuid: string): Promise<Record<string, unknown> | null> {
  return env.DB.prepare("SELECT state, disabled_reason, dead_letters FROM webhooks WHERE uuid = ?")
    .bind(uuid)
    .first();
}

/** The next report of a lane's state does not reach D1 before `goOn`. */
function holdNextReport(): { begun: Promise<void>; goOn: () => void } {
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const prepare = env.DB.prepare.bind(env.DB);
  const spied = vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
    const statement = prepare(query);
    if (!query.startsWith("UPDATE webhooks SET state")) return statement;
    spied.mockRestore();
    const bind = statement.bind.bind(statement);
    vi.spyOn(statement, "bind").mockImplementation((...values) => {
      const bound = bind(...values);
      const run = bound.run.bind(bound);
      vi.spyOn(bound, "run").mockImplementation(async () => {
        begun.resolve();
        await held.promise;
        return run();
      });
      return bound;
    });
    return statement;
  });
  return { begun: begun.promise, goOn: held.resolve };
}

describe("a receiver that is down for days", () => {
  const days = 2;
  it.each([
    ["strict", 1],
    ["keyed", 300],
    ["none", 300],
  ])(
    "costs few attempts in %s order, although its lane is evicted whenever it rests",
    async (ordering, jobs) => {
      const { received } = receiver(() => failed());
      const { uuid } = await makeListener({ ordering });
      for (let batch = 0; batch < 3; batch++)
        await hand(
          uuid,
          range(1, 300).map((job) => String(job % jobs)),
        );
      const end = Date.now() + days * dayMs;
      for (;;) {
        await settle(uuid);
        const at = await alarmOf(uuid);
        if (at === null || at > end) break;
        await evictDurableObject(laneOf(uuid));
        await runAlarm(uuid, Math.max(at - Date.now(), 0));
      }
      // After each eviction, other lines show again that it is not only one that fails.
      const perHour = ordering === "strict" ? 1 : 20;
      expect(received.length).toBeLessThan(days * 24 * perHour + 30);
    },
  );

  it("is disabled after 5 days of nothing but failures, with its backlog, and says why", async () => {
    const { received } = receiver(() => failed());
    const { uuid } = await makeListener();
    await hand(uuid, times(20));
    const since = Date.now();
    await live(uuid, 5 * dayMs - hourMs);
    expect((await laneOf(uuid).stats())?.state).toBe("active");
    await live(uuid, 3 * hourMs);
    const reason = "Nothing but failures for 5 days.";
    expect(await laneOf(uuid).stats()).toMatchObject({
      state: "disabled",
      disabledReason: reason,
      backlog: 19,
    });
    expect(await row(uuid)).toEqual({ state: "disabled", disabled_reason: reason, dead_letters: 1 });
    const { length } = received;
    passTime(since + 30 * dayMs - Date.now());
    await settle(uuid);
    expect(received).toHaveLength(length);
    expect(await alarmOf(uuid)).toBeNull();
  });

  it("is not disabled when one delivery in between succeeded", async () => {
    const { received } = receiver((_, index) => (index === 60 ? new Response() : failed()));
    const { uuid } = await makeListener();
    await hand(uuid, times(20));
    await live(uuid, 6 * dayMs);
    expect(received.length).toBeGreaterThan(100);
    expect((await laneOf(uuid).stats())?.state).toBe("active");
  });

  it("is not disabled for the time in which it was paused", async () => {
    receiver(() => failed());
    const { uuid } = await makeListener();
    await hand(uuid, times(3));
    await live(uuid, dayMs);
    await laneOf(uuid).pause();
    passTime(10 * dayMs);
    await laneOf(uuid).resume();
    await live(uuid, dayMs);
    expect((await laneOf(uuid).stats())?.state).toBe("active");
  });

  it("is given a whole second chance when it is resumed", async () => {
    receiver(() => failed());
    const { uuid } = await makeListener();
    await hand(uuid, times(3));
    await live(uuid, 5 * dayMs + 2 * hourMs);
    await laneOf(uuid).resume();
    await live(uuid, 4 * dayMs);
    expect((await laneOf(uuid).stats())?.state).toBe("active");
  });
});

const isHealthy = ({ headers }: { headers: Headers }): boolean =>
  Number(headers.get("X-Orchest-Sequence")) > 1200;

describe("more failing keys than a lane looks at", () => {
  it.each(["keyed", "none"])(
    "hide no healthy one that comes later, and show no retry in the past, in %s ordering",
    async (ordering) => {
      const { received } = receiver((request) => (isHealthy(request) ? new Response() : failed()));
      const { uuid } = await makeListener({ ordering });
      for (let batch = 0; batch < 12; batch++)
        await hand(
          uuid,
          range(1, 100).map((job) => `${batch} ${job}`),
        );
      await live(uuid, 45_000);
      expect(received.filter(isHealthy)).toEqual([]);
      const { deliveries } = await laneOf(uuid).deliveries({ status: "failed", limit: 100 });
      expect(deliveries.length).toBeGreaterThanOrEqual(5);
      for (const { nextAttemptAt } of deliveries) expect(nextAttemptAt).toBeGreaterThanOrEqual(Date.now());
      expect((await laneOf(uuid).stats())?.nextAttemptAt).toBeGreaterThanOrEqual(Date.now());
      await hand(uuid, ["healthy"]);
      await settle(uuid);
      expect(received.filter(isHealthy)).toHaveLength(1);
    },
  );
});

/** Makes the lane believe that so many deliveries wait beside those that do. */
async function pretendBacklog(uuid: string, backlog: number): Promise<void> {
  await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
    sql.exec("UPDATE lane SET record = json_set(record, '$.counters.finished', ?)", -backlog);
  });
  await evictDurableObject(laneOf(uuid));
}

describe("a backlog", () => {
  const bound = "The backlog reached its bound: the receiver takes less than it is sent.";

  it.each([
    ["below 1 million stays", 999_990, "active"],
    ["of 1 million disables its webhook", 999_991, "disabled"],
  ])("%s", async (_, backlog, state) => {
    receiver(() => failed());
    const { uuid } = await makeListener();
    await laneOf(uuid).configure(await configOf(uuid));
    await pretendBacklog(uuid, backlog);
    await hand(uuid, times(9));
    expect(await laneOf(uuid).stats()).toMatchObject({
      state,
      disabledReason: state === "disabled" ? bound : null,
      backlog: backlog + 9,
    });
  });

  it("of 5 GB disables its webhook, and what was handed over with it is kept", async () => {
    const { received } = receiver(() => failed());
    const { uuid } = await makeListener();
    await hand(uuid, times(1));
    await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
      vi.spyOn(sql, "databaseSize", "get").mockReturnValue(5_000_000_000);
    });
    await hand(uuid, times(3));
    expect(await laneOf(uuid).stats()).toMatchObject({
      state: "disabled",
      disabledReason: bound,
      backlog: 4,
    });
    expect(received).toHaveLength(1);
  });
});

/** A webhook that was disabled, and two deliveries that it keeps. */
async function disabled(): Promise<{ uuid: string; received: Received[] }> {
  const { received } = receiver((_, index) => (index === 0 ? failed(410) : new Response()));
  const { uuid } = await makeListener();
  await hand(uuid, times(2));
  await settle(uuid);
  await live(uuid, hourMs);
  return { uuid, received };
}

describe("a disabled webhook", () => {
  it("takes nothing that is published: its lane is asked once, and refuses", async () => {
    const { uuid } = await disabled();
    const { calls } = interceptAccept((_call, _handover, passOn) => passOn());
    expect((await publish(makeEvent())).body.accepted[0]).toMatchObject({ deliveries: 0, duplicate: false });
    expect(calls()).toBe(1);
    expect((await laneOf(uuid).stats())?.backlog).toBe(2);
  });

  it("refuses what a dispatch hands over that does not know it yet", async () => {
    const { uuid } = await disabled();
    const answer = await laneOf(uuid).accept({
      config: await configOf(uuid),
      events: [handoverEvent(makeEvent())],
    });
    expect(answer).toEqual({ outcome: "refused", because: "disabled" });
    expect((await laneOf(uuid).stats())?.backlog).toBe(2);
  });

  it("has no alarm, and gets one again when it is resumed", async () => {
    const { uuid, received } = await disabled();
    expect(await alarmOf(uuid)).toBeNull();
    expect(await laneOf(uuid).resume()).toBe("active");
    expect(await alarmOf(uuid)).not.toBeNull();
    await settle(uuid);
    expect(received).toHaveLength(3);
    expect(await row(uuid)).toEqual({ state: "active", disabled_reason: null, dead_letters: 0 });
  });
});

describe("D1's copy of a lane's state", () => {
  it("is repeated until it succeeds, and no dispatch takes a disabled webhook for an active one for ever", async () => {
    receiver(() => failed(410));
    const { uuid } = await makeListener();
    const prepare = env.DB.prepare.bind(env.DB);
    const broken = vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
      if (query.startsWith("UPDATE webhooks SET state")) throw new Error("D1 is down");
      return prepare(query);
    });
    await hand(uuid, times(1));
    for (let run = 0; run < 5; run++) await runAlarm(uuid, 61_000);
    expect(await row(uuid)).toMatchObject({ state: "active" });
    expect(await alarmOf(uuid)).toBeGreaterThanOrEqual(Date.now() + 30_000);
    await evictDurableObject(laneOf(uuid));
    broken.mockRestore();
    await runAlarm(uuid, 61_000);
    expect(await row(uuid)).toMatchObject({ state: "disabled" });
    expect(await alarmOf(uuid)).toBeNull();
  });

  it("has the number of dead letters", async () => {
    receiver(() => failed());
    const { uuid } = await makeListener({ retry: { max_attempts: 1 } });
    await hand(uuid, times(3));
    await live(uuid, dayMs);
    expect(await row(uuid)).toMatchObject({ dead_letters: 3 });
  });

  it("is the latest one, although the report before it takes its time", async () => {
    const { uuid } = await makeListener();
    await laneOf(uuid).configure(await configOf(uuid));
    await runInDurableObject(laneOf(uuid), async (lane) => {
      const first = holdNextReport();
      const pausing = lane.pause();
      await first.begun;
      const resuming = lane.resume();
      await Promise.race([resuming, scheduler.wait(200)]);
      first.goOn();
      await Promise.all([pausing, resuming]);
    });
    expect(await row(uuid)).toMatchObject({ state: "active" });
  });

  it.each([
    ["before a retry", (uuid: string) => runAlarm(uuid)],
    ["once a day", (uuid: string) => laneOf(uuid).maintain()],
  ])("that someone else overwrote is put right %s", async (_, put) => {
    receiver((_request, index) => (index === 0 ? failed() : new Response()));
    const { uuid } = await makeListener();
    await hand(uuid, times(1));
    await env.DB.prepare("UPDATE webhooks SET state = 'disabled'").run();
    await put(uuid);
    expect(await row(uuid)).toMatchObject({ state: "active" });
  });
});

describe("news of a webhook", () => {
  const aboutUrl = "https://about.example.com/";
  const watcherUrl = "https://watcher.example.com/";

  /** A webhook that is in trouble or not, and another one that gets all events about webhooks. */
  async function watched(
    answer: Answering,
    changes: Record<string, unknown> = {},
  ): Promise<{
    about: string;
    watcher: string;
    news: () => Record<string, unknown>[];
    received: Received[];
  }> {
    const { received } = receiver((request, index) =>
      request.url === aboutUrl ? answer(request, index) : new Response(),
    );
    const subscriptions = ownTypes.map((type) => ({ event_type: type }));
    const about = await makeListener({
      url: aboutUrl,
      subscriptions: [{ event_type: "project:created" }, ...subscriptions],
      ...changes,
    });
    const watcher = await makeListener({ url: watcherUrl, subscriptions });
    const news = (): Record<string, unknown>[] =>
      received
        .filter(({ url }) => url === watcherUrl)
        .map(({ body }) => (JSON.parse(body) as { event: Record<string, unknown> }).event);
    return { about: about.uuid, watcher: watcher.uuid, news, received };
  }

  it("being disabled reaches another one, once, and never itself", async () => {
    const { about, watcher, news, received } = await watched(() => failed(410), { name: "Sick" });
    await hand(about, times(3));
    await live(about, dayMs);
    await settle(watcher);
    expect(news()).toMatchObject([
      {
        type: "webhook:disabled",
        webhook: { uuid: about, name: "Sick" },
        reason: "The receiver answered 410 Gone.",
      },
    ]);
    expect(received.filter(({ url }) => url === aboutUrl)).toHaveLength(1);
    expect((await laneOf(about).stats())?.backlog).toBe(3);
  });

  it("only the first dead letter since the last success is told, and the recovery once", async () => {
    let isDown = true;
    const { about, watcher, news } = await watched(() => (isDown ? failed() : new Response()), {
      retry: { max_attempts: 1 },
    });
    const events = await hand(about, times(3));
    await live(about, dayMs);
    isDown = false;
    await hand(about, times(3));
    await live(about, dayMs);
    await settle(watcher);
    expect(news()).toMatchObject([
      {
        type: "webhook:delivery-dead",
        webhook: { uuid: about },
        delivery: {
          sequence: 1,
          event_uuid: events[0]?.uuid,
          event_type: "project:created",
          error: "http_5xx",
        },
      },
      { type: "webhook:recovered", webhook: { uuid: about } },
    ]);
    isDown = true;
    await hand(about, times(2));
    await live(about, dayMs);
    await settle(watcher);
    expect(news().map(({ type }) => type)).toEqual([
      "webhook:delivery-dead",
      "webhook:recovered",
      "webhook:delivery-dead",
    ]);
  });

  it("is told once in an hour, also after the webhook was disabled, and recovered", async () => {
    let status = 410;
    const { about, watcher, news } = await watched(() => new Response(null, { status }), {
      retry: { max_attempts: 1 },
    });
    await hand(about, times(1));
    await live(about, 1000);
    await laneOf(about).resume();
    status = 200;
    await hand(about, times(20));
    await live(about, 60_000);
    status = 500;
    await hand(about, times(1));
    await live(about, 60_000);
    await settle(watcher);
    expect(news().map(({ type }) => type)).toEqual(["webhook:disabled", "webhook:recovered"]);
    await live(about, hourMs);
    await hand(about, times(1));
    await live(about, 60_000);
    await settle(watcher);
    expect(news().map(({ type }) => type)).toEqual([
      "webhook:disabled",
      "webhook:recovered",
      "webhook:delivery-dead",
    ]);
  });

  it("of a flaky receiver is told once, and its recovery after 20 successes in a row", async () => {
    let isFlaky = true;
    const { about, watcher, news } = await watched(
      (_, index) => (isFlaky && index % 3 === 0 ? failed() : new Response()),
      { retry: { max_attempts: 1 }, ordering: "none" },
    );
    const deliver = async (count: number): Promise<void> => {
      for (let event = 0; event < count; event++) {
        await hand(about, times(1));
        await live(about, 2000);
      }
      await settle(watcher);
    };
    await deliver(30);
    expect(news().map(({ type }) => type)).toEqual(["webhook:delivery-dead"]);
    isFlaky = false;
    await deliver(18);
    expect(news().map(({ type }) => type)).toEqual(["webhook:delivery-dead"]);
    await deliver(4);
    expect(news().map(({ type }) => type)).toEqual(["webhook:delivery-dead", "webhook:recovered"]);
    // A second time within the hour is no news.
    isFlaky = true;
    await deliver(6);
    isFlaky = false;
    await live(about, hourMs / 3);
    expect(news()).toHaveLength(2);
  });

  it("of recovering comes 10 minutes after the last failure, from a lane that nobody wakes", async () => {
    let isDown = true;
    const { about, watcher, news } = await watched(() => (isDown ? failed() : new Response()), {
      retry: { max_attempts: 1 },
    });
    await hand(about, times(2));
    await settle(about);
    isDown = false;
    await live(about, 10_000);
    await evictDurableObject(laneOf(about));
    await live(about, 580_000);
    await settle(watcher);
    expect(news().map(({ type }) => type)).toEqual(["webhook:delivery-dead"]);
    await live(about, 30_000);
    await settle(watcher);
    expect(news().map(({ type }) => type)).toEqual(["webhook:delivery-dead", "webhook:recovered"]);
    expect(await alarmOf(about)).toBeNull();
  });

  it.each([
    ["", false],
    [", across an eviction", true],
  ])("waits no longer when the clock goes back a day%s", async (_, isEvicted) => {
    let isDown = true;
    const { about, watcher, news } = await watched(() => (isDown ? failed() : new Response()), {
      retry: { max_attempts: 1 },
    });
    await hand(about, times(2));
    await settle(about);
    passTime(-dayMs);
    if (isEvicted) await evictDurableObject(laneOf(about));
    isDown = false;
    await live(about, 10_000);
    await live(about, 600_000);
    await settle(watcher);
    expect(news().map(({ type }) => type)).toEqual(["webhook:delivery-dead", "webhook:recovered"]);
    await live(about, hourMs);
    isDown = true;
    await hand(about, times(1));
    await settle(about);
    await settle(watcher);
    expect(
      news()
        .map(({ type }) => type)
        .at(2),
    ).toBe("webhook:delivery-dead");
  });

  it("is not that a disabled webhook recovers, when an attempt that was under way succeeds", async () => {
    const held = Promise.withResolvers<Response>();
    const { about, watcher, news } = await watched((_, index) => (index === 0 ? held.promise : failed(410)), {
      ordering: "none",
    });
    await hand(about, times(2));
    await vi.waitFor(async () => expect((await laneOf(about).stats())?.state).toBe("disabled"));
    held.resolve(new Response());
    await live(about, hourMs);
    await settle(watcher);
    expect(news().map(({ type }) => type)).toEqual(["webhook:disabled"]);
  });

  it("a failure that no delivery died of is no news, nor is its end", async () => {
    const { about, watcher, news } = await watched((_, index) => (index < 5 ? failed() : new Response()));
    await hand(about, times(3));
    await live(about, dayMs);
    await settle(watcher);
    expect(news()).toEqual([]);
  });

  it("recovering after it was disabled is told", async () => {
    let isGone = true;
    const { about, watcher, news } = await watched(() => (isGone ? failed(410) : new Response()));
    await hand(about, times(2));
    await live(about, hourMs);
    isGone = false;
    await laneOf(about).resume();
    await live(about, hourMs);
    await settle(watcher);
    expect(news().map(({ type }) => type)).toEqual(["webhook:disabled", "webhook:recovered"]);
  });

  it("is published again under the same uuid when that was cut off, and reaches the other one once", async () => {
    const { about, watcher, news } = await watched(() => failed(410));
    await hand(about, times(1));
    await vi.waitFor(async () => expect((await laneOf(about).stats())?.state).toBe("disabled"));
    const written = await runInDurableObject(laneOf(about), (_, { storage: { sql } }) =>
      sql.exec<{ id: number; uuid: string; type: string; body: string }>("SELECT * FROM announcements").one(),
    );
    await settle(about);
    await runInDurableObject(laneOf(about), async (_, { storage }) => {
      storage.sql.exec(
        "INSERT INTO announcements VALUES (?, ?, ?, ?)",
        written.id,
        written.uuid,
        written.type,
        written.body,
      );
      await storage.setAlarm(Date.now() + 1);
    });
    await evictDurableObject(laneOf(about));
    await settle(about);
    await settle(watcher);
    expect(news().map(({ uuid }) => uuid)).toEqual([written.uuid]);
    const left = await runInDurableObject(laneOf(about), (_, { storage: { sql } }) =>
      sql.exec("SELECT * FROM announcements").toArray(),
    );
    expect(left).toEqual([]);
  });

  it("waits for event shards that are down, and is told then", async () => {
    const { about, watcher, news } = await watched(() => failed(410));
    const broken = vi.spyOn(env.SHARDS, "getByName").mockImplementation(() => {
      throw new Error("The shard is gone.");
    });
    await hand(about, times(1));
    for (let run = 0; run < 3; run++) await runAlarm(about, 61_000);
    expect(await alarmOf(about)).not.toBeNull();
    passTime(-dayMs);
    await laneOf(about).configure(await configOf(about));
    expect(await alarmOf(about)).toBe(Date.now() + 60_000);
    broken.mockRestore();
    await runAlarm(about, 61_000);
    await settle(watcher);
    expect(news().map(({ type }) => type)).toEqual(["webhook:disabled"]);
    expect(await alarmOf(about)).toBeNull();
  });

  it("of two webhooks that watch each other, both dead, comes to an end", async () => {
    let isDown = true;
    receiver(() => (isDown ? failed() : new Response()));
    const subscriptions = ["project:created", ...ownTypes].map((type) => ({ event_type: type }));
    const pair: string[] = [];
    for (let one = 0; one < 2; one++) {
      const { uuid } = await makeListener({ subscriptions, retry: { max_attempts: 5 } });
      pair.push(uuid);
    }
    const liveBoth = async (days: number): Promise<void> => {
      for (let hour = 0; hour < days * 24; hour++) {
        for (const uuid of pair) await live(uuid, hourMs / 2);
      }
    };
    await publish(makeEvent());
    for (let day = 0; day < 7; day++) {
      await publish(makeEvent());
      await liveBoth(1);
    }
    expect(await newsCounts()).toEqual({ "webhook:delivery-dead": 2, "webhook:disabled": 2 });
    isDown = false;
    for (const uuid of pair) await laneOf(uuid).resume();
    await liveBoth(1);
    expect(await newsCounts()).toEqual({
      "webhook:delivery-dead": 2,
      "webhook:disabled": 2,
      "webhook:recovered": 2,
    });
    for (const uuid of pair) {
      expect(await alarmOf(uuid)).toBeNull();
      expect(await laneOf(uuid).stats()).toMatchObject({ state: "active", backlog: 0 });
    }
  });

  it("does not count as a dead letter worth telling: news of news would never end", async () => {
    receiver(({ url }) => (url === aboutUrl ? failed(410) : failed()));
    const all = ownTypes.map((type) => ({ event_type: type }));
    const about = await makeListener({ url: aboutUrl });
    const deaf = await makeListener({ url: watcherUrl, subscriptions: all, retry: { max_attempts: 1 } });
    await hand(about.uuid, times(1));
    await settle(about.uuid);
    await live(deaf.uuid, hourMs);
    expect((await laneOf(deaf.uuid).stats())?.counts.dead).toBe(1);
    expect(await newsCounts()).toEqual({ "webhook:disabled": 1 });
  });
});

/** How many pieces of news the archive has, by type. */
async function newsCounts(): Promise<Record<string, number>> {
  const { events } = await listEvents(env, { limit: 1000 });
  const news = events.filter(({ type }) => type.startsWith("webhook:"));
  const counts = Map.groupBy(news, ({ type }) => type);
  return Object.fromEntries([...counts].map(([type, all]) => [type, all.length]));
}
