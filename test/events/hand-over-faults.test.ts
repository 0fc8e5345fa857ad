import { createExecutionContext, createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { nextHandovers, removeHandovers, webhooksWithHandovers } from "../../src/events/handovers";
import { readMatchingEvents } from "../../src/events/missing-events";
import type { PublishRequest } from "../../src/events/shard/types";
import gateway from "../../src/index";
import { api, notifications } from "../api";
import { passTime, stopClock } from "../clock";
import {
  eventUuidsIn,
  makeEvent,
  makeEvents,
  makeListener,
  publish,
  publishRequest,
  waitingEvents,
} from "../event";
import { configOf, handoverEvent, interceptAccept, laneOf } from "../lane";
import { consume } from "../queue";
import { receiver, type Received } from "../receiver";

const laneTimeoutMs = 2500;
let received: Received[];
let webhook: { uuid: string };

beforeEach(async () => {
  stopClock();
  ({ received } = receiver());
  vi.spyOn(env.EVENTS, "sendBatch").mockRejectedValue(new Error("no queue in this test"));
  webhook = await makeListener();
});

/** Makes the first calls of a lane fail before it takes anything. */
function breakLane(times: number): { calls: () => number } {
  return interceptAccept((call, _, passOn) =>
    call <= times ? Promise.reject(new Error("lane broke")) : passOn(),
  );
}

const deleted = (): ReturnType<typeof makeEvent> => makeEvent({ type: "project:deleted" });

/** Publishes one more event, and waits until it is there. @returns everything that had arrived. */
async function arrivedWithBarrier(count: number): Promise<string[]> {
  const barrier = makeEvent();
  await publish(barrier);
  await vi.waitFor(() => expect(eventUuidsIn(received)).toContain(barrier.uuid));
  expect(received).toHaveLength(count + 1);
  return eventUuidsIn(received).slice(0, -1);
}

const cron = (): Promise<void> => gateway.scheduled(createScheduledController(), env);

describe("a lane that breaks once", () => {
  it("before it took the events gets them in a second call", async () => {
    breakLane(1);
    const event = makeEvent();
    expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 1 });
    expect(await waitingEvents()).toEqual([]);
    expect(await arrivedWithBarrier(1)).toEqual([event.uuid]);
  });

  it("after it took them does not take them twice", async () => {
    interceptAccept(async (call, _, passOn) => {
      const answer = await passOn();
      if (call === 1) throw new Error("answer lost");
      return answer;
    });
    const events = makeEvents(3);
    expect((await publish(events)).status).toBe(202);
    expect(await arrivedWithBarrier(3)).toEqual(events.map(({ uuid }) => uuid));
  });

  it("does not hold up other webhooks", async () => {
    const other = await makeListener({ url: "https://other.example.com/" });
    interceptAccept((_, { config }, passOn) =>
      config.webhook.uuid === other.uuid ? passOn() : Promise.reject(new Error("lane broke")),
    );
    expect((await publish(makeEvent())).body.accepted[0]?.deliveries).toBe(2);
    await vi.waitFor(() => expect(received.map(({ url }) => url)).toEqual(["https://other.example.com/"]));
    expect(await waitingEvents()).toHaveLength(1);
  });
});

describe("a lane that is called too late for new events", () => {
  it("is called once more, and has them once", async () => {
    // The lane's clock is ahead of the shard's.
    const { calls } = interceptAccept((call, _, passOn) =>
      call === 1 ? Promise.resolve({ outcome: "late" }) : passOn(),
    );
    const events = makeEvents(3);
    expect((await publish(events)).body.accepted).toMatchObject(
      events.map(() => ({ duplicate: false, deliveries: 1 })),
    );
    expect(calls()).toBe(2);
    expect(await waitingEvents()).toEqual([]);
    expect(await arrivedWithBarrier(3)).toEqual(events.map(({ uuid }) => uuid));
    expect((await publish(events[1])).body.accepted[0]).toMatchObject({ duplicate: true, deliveries: 0 });
  });

  it("is not called again when it is just not too late", async () => {
    const { calls } = interceptAccept((_call, _, passOn) => {
      passTime(60_000);
      return passOn();
    });
    const event = makeEvent();
    await publish(event);
    expect(calls()).toBe(1);
    expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: true, deliveries: 0 });
  });

  it("has its events wait in D1 when the other call breaks, and once", async () => {
    interceptAccept((call, _, passOn) => {
      if (call === 1) return Promise.resolve({ outcome: "late" });
      return call === 2 ? Promise.reject(new Error("lane broke")) : passOn();
    });
    const event = makeEvent();
    expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 1 });
    expect(await waitingEvents()).toEqual([event.uuid]);
    await cron();
    expect(await arrivedWithBarrier(1)).toEqual([event.uuid]);
  });
});

describe("a lane that breaks twice", () => {
  it("has its events wait in D1, and the publisher gets its 202 all the same", async () => {
    breakLane(2);
    const events = makeEvents(3);
    const { status, body } = await publish(events);
    expect(status).toBe(202);
    expect(body.accepted.map(({ deliveries, duplicate }) => [deliveries, duplicate])).toEqual([
      [1, false],
      [1, false],
      [1, false],
    ]);
    expect(await waitingEvents()).toEqual(events.map(({ uuid }) => uuid));
    expect(received).toEqual([]);
  });

  it("is not called while events wait: what comes behind is appended", async () => {
    const { calls } = breakLane(2);
    const events = makeEvents(3);
    for (const event of events) expect((await publish(event)).status).toBe(202);
    expect(await waitingEvents()).toEqual(events.map(({ uuid }) => uuid));
    expect(calls()).toBe(2);
  });

  it.each([
    ["cron", cron],
    ["a queue message that names the webhook", () => handOverMessage()],
  ])("gets what waits from %s, in order and once", async (_, handOver) => {
    breakLane(2);
    const events = makeEvents(4);
    for (const event of events) await publish(event);
    await handOver();
    expect(await waitingEvents()).toEqual([]);
    expect(await arrivedWithBarrier(4)).toEqual(events.map(({ uuid }) => uuid));
  });

  it("gets more than fit one call, in order and once", async () => {
    breakLane(2);
    const events = makeEvents(250);
    await publish(events[0]);
    for (let start = 1; start < 250; start += 83) await publish(events.slice(start, start + 83));
    expect(await waitingEvents()).toHaveLength(250);
    await cron();
    expect(await arrivedWithBarrier(250)).toEqual(events.map(({ uuid }) => uuid));
  });

  it("gets large events in calls of half a megabyte and one event at most, in order", async () => {
    const sizes: number[] = [];
    interceptAccept((call, { events }, passOn) => {
      if (call <= 2) return Promise.reject(new Error("lane broke"));
      sizes.push(events.reduce((sum, { body }) => sum + body.length, 0));
      return passOn();
    });
    const events = Array.from({ length: 12 }, () => makeEvent({ pad: "x".repeat(90_000) }));
    for (let start = 0; start < 12; start += 4) await publish(events.slice(start, start + 4));
    await cron();
    expect(sizes).toHaveLength(2);
    expect(Math.max(...sizes)).toBeLessThan(600_000);
    expect(await arrivedWithBarrier(12)).toEqual(events.map(({ uuid }) => uuid));
  });

  it("gets what waits once also from two at the same time", async () => {
    breakLane(2);
    const events = makeEvents(5);
    for (const event of events) await publish(event);
    await Promise.all([cron(), cron(), handOverMessage()]);
    expect(await waitingEvents()).toEqual([]);
    expect(await arrivedWithBarrier(5)).toEqual(events.map(({ uuid }) => uuid));
  });

  it("keeps its events waiting when it still breaks, and has the queue message retried", async () => {
    breakLane(6);
    const event = makeEvent();
    await publish(event);
    await cron();
    expect(await consume([{ handover: await webhookId() }])).toEqual({ acked: [], retried: ["message-0"] });
    expect(await waitingEvents()).toEqual([event.uuid]);
    await cron();
    expect(await arrivedWithBarrier(1)).toEqual([event.uuid]);
  });

  it("gets an event once although a hand-over crashed between the lane and D1", async () => {
    breakLane(2);
    const events = makeEvents(2);
    for (const event of events) await publish(event);
    const crash = breakStatements("DELETE FROM handovers");
    await cron();
    crash.mockRestore();
    expect(await waitingEvents()).toHaveLength(2);
    await cron();
    expect(await waitingEvents()).toEqual([]);
    expect(await arrivedWithBarrier(2)).toEqual(events.map(({ uuid }) => uuid));
  });

  it("sends a repeat that waits twice once", async () => {
    breakLane(2);
    const event = makeEvent();
    await publish(event);
    expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: true, deliveries: 0 });
    await cron();
    expect(await arrivedWithBarrier(1)).toEqual([event.uuid]);
  });

  it("has later events appended although D1 fails for a moment", async () => {
    breakLane(2);
    const [first, second] = [makeEvent(), makeEvent()];
    await publish(first);
    vi.spyOn(env.DB, "batch").mockRejectedValueOnce(new Error("D1_ERROR: Network connection lost."));
    expect((await publish(second)).status).toBe(202);
    expect(await waitingEvents()).toEqual([first.uuid, second.uuid]);
  });

  it("delays no answer when the queue hangs", async () => {
    const gate = Promise.withResolvers<Awaited<ReturnType<typeof env.EVENTS.sendBatch>>>();
    vi.spyOn(env.EVENTS, "sendBatch").mockReturnValue(gate.promise);
    breakLane(2);
    expect((await publish(makeEvent())).status).toBe(202);
    gate.reject(new Error("no queue in this test"));
  });

  it("loses what waits when its webhook is deleted, and D1 keeps only what waits for others", async () => {
    breakLane(Number.POSITIVE_INFINITY);
    const [own, shared] = [makeEvent(), makeEvent()];
    await publish(own);
    const other = await makeListener({ url: "https://other.example.com/" });
    await publish(shared);
    expect(await storedEvents()).toEqual([own.uuid, shared.uuid]);
    await api("DELETE", `${notifications}/subscribers/${webhook.uuid}`);
    expect(await storedEvents()).toEqual([shared.uuid]);
    await cron();
    expect(await waitingEvents()).toEqual([shared.uuid]);
    await api("DELETE", `${notifications}/subscribers/${other.uuid}`);
    expect(await storedEvents()).toEqual([]);
    expect(received).toEqual([]);
  });

  it("gets what waits in the request's order, whichever events other waiting lanes get", async () => {
    const other = await makeListener({
      url: "https://other.example.com/",
      subscriptions: [{ event_type: "project:created" }, { event_type: "project:deleted" }],
    });
    // The lane of `other`, which gets more, fails last. At the second request both wait already.
    const failed = Promise.withResolvers<void>();
    interceptAccept(async (_, { config }) => {
      if (config.webhook.uuid === other.uuid) await failed.promise;
      else failed.resolve();
      throw new Error("lane broke");
    });
    const requests = [
      [deleted(), makeEvent(), deleted(), makeEvent()],
      [makeEvent(), deleted(), makeEvent(), deleted()],
    ];
    for (const request of requests) await publish(request);
    const events = requests.flat();
    expect(await waitingEvents(other.uuid)).toEqual(events.map(({ uuid }) => uuid));
    const created = events.filter(({ type }) => type === "project:created");
    expect(await waitingEvents(webhook.uuid)).toEqual(created.map(({ uuid }) => uuid));
  });

  it("is told of by one message, when it begins to wait, that holds the webhook's number and nothing else", async () => {
    const send = vi.spyOn(env.EVENTS, "sendBatch").mockRejectedValue(new Error("no queue in this test"));
    breakLane(2);
    for (const event of makeEvents(3)) await publish(event);
    expect(send).toHaveBeenCalledExactlyOnceWith([{ body: { handover: await webhookId() } }]);
  });
});

/** The uuids in `waiting_events`, whether or not a hand-over refers to them. */
async function storedEvents(): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT uuid FROM waiting_events ORDER BY id").all<{
    uuid: string;
  }>();
  return results.map(({ uuid }) => uuid);
}

describe("a lane that is overloaded", () => {
  it("is not called again at once: its events wait", async () => {
    const { calls } = interceptAccept(() => Promise.reject(overloaded()));
    const event = makeEvent();
    expect((await publish(event)).status).toBe(202);
    expect(calls()).toBe(1);
    expect(await waitingEvents()).toEqual([event.uuid]);
  });
});

describe("a lane that is closed as deleted", () => {
  const error = "a lane is closed as deleted";

  it("though D1 has its webhook has its events wait, is logged, and they are set aside", async () => {
    const { logged } = receiver();
    await laneOf(webhook.uuid).close();
    const event = makeEvent();
    expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 1 });
    expect(logged()).toContain(error);
    expect(await waitingEvents()).toEqual([event.uuid]);
    await cron();
    expect((await api<{ message?: string }>("GET", "/health")).body.message).toContain("set aside");
  });

  it("while an event is published costs one query, and nothing waits or is logged", async () => {
    await publish(makeEvents(20));
    await vi.waitFor(() => expect(received).toHaveLength(20));
    const { logged } = receiver();
    await env.DB.prepare("UPDATE webhooks SET deleted_at = 1").run();
    await laneOf(webhook.uuid).close();
    const queries = vi.spyOn(env.DB, "prepare");
    const batches = vi.spyOn(env.DB, "batch");
    expect((await publish(makeEvent())).body.accepted[0]).toMatchObject({ deliveries: 0 });
    expect([queries.mock.calls.length, batches.mock.calls.length]).toEqual([1, 0]);
    expect(await waitingEvents()).toEqual([]);
    expect(logged()).not.toContain(error);
  });
});

/** What a Durable Object with too many calls throws. */
function overloaded(): Error {
  return Object.assign(new Error("Durable Object is overloaded."), { overloaded: true });
}

/** Has statements of D1 that begin like this fail. */
function breakStatements(start: string): { mockRestore: () => void } {
  const prepare = env.DB.prepare.bind(env.DB);
  return vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
    if (query.startsWith(start)) throw new Error("D1 is down");
    return prepare(query);
  });
}

/** Has D1 fail altogether. */
function breakDatabase(): { mockRestore: () => void } {
  const broken = [
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1 is down");
    }),
    vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1 is down")),
  ];
  return { mockRestore: () => broken.forEach((one) => one.mockRestore()) };
}

describe("a D1 that is down", () => {
  it("stops no delivery to lanes, and a repeat is a duplicate all the same", async () => {
    const events = makeEvents(5);
    await publish(makeEvents(20));
    const broken = breakDatabase();
    for (const event of events) {
      expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 1 });
    }
    expect((await publish(events[0])).body.accepted[0]).toMatchObject({ duplicate: true, deliveries: 0 });
    await vi.waitFor(() => expect(received).toHaveLength(25));
    broken.mockRestore();
  });

  it("is a 503 that says when to repeat where the lane does not take the events either, and the repeat delivers them", async () => {
    await publish(makeEvents(20));
    await vi.waitFor(() => expect(received).toHaveLength(20));
    const broken = breakDatabase();
    breakLane(2);
    const event = makeEvent();
    const { status, headers } = await publish(event);
    expect([status, headers.get("Retry-After")]).toEqual([503, "1"]);
    broken.mockRestore();
    expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 1 });
    expect(await arrivedWithBarrier(21)).toContain(event.uuid);
  });

  it("is a 503 while earlier events wait for the webhook: nothing overtakes them", async () => {
    breakLane(2);
    const [first, second] = [makeEvent(), makeEvent()];
    await publish(first);
    const broken = breakStatements("INSERT INTO waiting_events");
    expect((await publish(second)).status).toBe(503);
    broken.mockRestore();
    await publish(second);
    await cron();
    expect(await arrivedWithBarrier(2)).toEqual([first.uuid, second.uuid]);
  });
});

describe("events that wait", () => {
  it("are the webhook's own although it is disabled meanwhile: they are delivered once it is resumed", async () => {
    ({ received } = receiver((_, index) => new Response(null, { status: index === 0 ? 410 : 200 })));
    breakLane(2);
    const [first, second] = [makeEvent(), makeEvent()];
    await publish(first);
    const last = handoverEvent(makeEvent());
    await laneOf(webhook.uuid).accept({ config: await configOf(webhook.uuid), events: [last] });
    await vi.waitFor(async () =>
      expect(await laneOf(webhook.uuid).stats()).toMatchObject({ state: "disabled" }),
    );
    await cron();
    expect(await waitingEvents()).toEqual([]);
    expect((await publish(second)).body.accepted[0]).toMatchObject({ deliveries: 0 });
    expect(received).toHaveLength(1);
    await api("POST", `${notifications}/subscribers/${webhook.uuid}/resume`);
    await vi.waitFor(() => expect(eventUuidsIn(received)).toContain(first.uuid));
    expect(eventUuidsIn(received)).not.toContain(second.uuid);
  });

  it("whose event is gone are set aside, told of, and hold up nothing behind them", async () => {
    const { received: arrived, logged } = receiver();
    received = arrived;
    breakLane(2);
    const events = makeEvents(3);
    for (const event of events) await publish(event);
    await env.DB.prepare("DELETE FROM waiting_events WHERE uuid = ?").bind(events[1]?.uuid).run();
    await cron();
    expect(await arrivedWithBarrier(2)).toEqual([events[0]?.uuid, events[2]?.uuid]);
    expect(logged()).toContain("hand-overs set aside");
    expect((await api<{ message?: string }>("GET", "/health")).body.message).toContain("set aside");
  });

  it("leave nothing in D1 when they were set aside and their rows are deleted by hand", async () => {
    breakLane(2);
    await publish(makeEvents(2));
    await env.DB.prepare("UPDATE handovers SET set_aside = 'for the test'").run();
    expect(await storedEvents()).toHaveLength(2);
    await env.DB.prepare("DELETE FROM handovers WHERE set_aside IS NOT NULL").run();
    expect(await storedEvents()).toEqual([]);
  });

  it("are missing once they were set aside, and not before", async () => {
    breakLane(2);
    const events = makeEvents(2);
    await publish(events);
    passTime(1000);
    const range = { after: "0", since: 0, until: Date.now(), limit: 10 };
    expect(await readMatchingEvents(env, webhook.uuid, range)).toMatchObject({ events: [] });
    await env.DB.prepare(
      "UPDATE handovers SET set_aside = 'for the test' WHERE id = (SELECT min(id) FROM handovers)",
    ).run();
    const { events: missing } = await readMatchingEvents(env, webhook.uuid, range);
    expect(missing.map(({ uuid }) => uuid)).toEqual([events[0]?.uuid]);
  });

  it("for many webhooks are not always begun with the same ones", async () => {
    await makeListener();
    await env.DB.prepare("UPDATE webhooks SET waits = 1").run();
    const first = new Set<number>();
    // By chance the same one 60 times: less often than once in 10^17 runs.
    for (let run = 0; run < 60 && first.size < 2; run += 1) {
      for (const id of await webhooksWithHandovers(env.DB, 1)) first.add(id);
    }
    expect(first.size).toBe(2);
  });

  it("cost as much per page however many wait and however many were set aside", async () => {
    const id = await webhookId();
    await insertWaiting({ setAside: 20_000, waiting: 100_000 });
    const read = countRowsRead();
    const page = await nextHandovers(env.DB, id, { events: 100, bytes: 500_000 });
    expect(page?.events).toHaveLength(100);
    expect(read()).toBeGreaterThanOrEqual(200);
    // Rows of both tables and of indexes, and those that the sum of sizes reads.
    expect(read()).toBeLessThanOrEqual(600);
    await removeHandovers(env.DB, id, page?.lastId ?? 0);
    expect(read()).toBeLessThanOrEqual(2000);
    expect(await env.DB.prepare("SELECT count(*) AS n FROM waiting_events").first<number>("n")).toBe(119_900);
  });
});

/** Has events wait for the webhook, behind others that were set aside. */
async function insertWaiting({ setAside, waiting }: { setAside: number; waiting: number }): Promise<void> {
  const count = setAside + waiting;
  await env.DB.batch([
    env.DB.prepare(
      `WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ?)
       INSERT INTO waiting_events (id, uuid, type, first_accepted_at, body) SELECT id, 'event-' || id, 'project:created', 0, '{}' FROM n`,
    ).bind(count),
    env.DB.prepare(
      `INSERT INTO handovers (webhook_id, event_id, set_aside)
       SELECT ?, id, CASE WHEN id <= ? THEN 'for the test' END FROM waiting_events ORDER BY id`,
    ).bind(await webhookId(), setAside),
    env.DB.prepare("UPDATE webhooks SET waits = 1"),
  ]);
}

/** @returns how to read the number of rows that D1 has read since. */
function countRowsRead(): () => number {
  let rows = 0;
  const note = <Row>(result: D1Result<Row>): D1Result<Row> => {
    rows += result.meta.rows_read;
    return result;
  };
  const batch = env.DB.batch.bind(env.DB);
  vi.spyOn(env.DB, "batch").mockImplementation(async <Row>(statements: D1PreparedStatement[]) =>
    (await batch<Row>(statements)).map(note),
  );
  const statement = Object.getPrototypeOf(env.DB.prepare("SELECT 1")) as D1PreparedStatement;
  const all = Reflect.get(statement, "all");
  vi.spyOn(statement, "all").mockImplementation(async function <Row>(this: D1PreparedStatement) {
    return note(await all.call<D1PreparedStatement, [], Promise<D1Result<Row>>>(this));
  });
  return () => rows;
}

/** Publishes while the first `calls` of the lane hang. @returns the answer, and how to let them go on. */
async function publishWhileHanging(event: object, hanging: number) {
  const gate = Promise.withResolvers<void>();
  const late: Promise<unknown>[] = [];
  const { calls } = interceptAccept((call, _, passOn) => {
    if (call > hanging) return passOn();
    const passed = gate.promise.then(passOn);
    late.push(passed);
    return passed;
  });
  // Called here and not through `exports`: only then are the stopped timers this test's own.
  const answer = gateway.fetch(publishRequest(event), env, createExecutionContext());
  for (let call = 1; call <= hanging; call++) {
    await vi.waitFor(() => expect(calls()).toBe(call));
    await vi.advanceTimersByTimeAsync(laneTimeoutMs);
  }
  const release = async (): Promise<void> => {
    gate.resolve();
    await Promise.all(late);
  };
  return { answer: await answer, release };
}

describe("a lane that hangs", () => {
  /** Stops time-outs, too: here each of them is let run by hand. */
  beforeEach(
    () => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: Date.now() }),
  );

  it("for 5 s is called once more, and the late first call takes nothing twice", async () => {
    const event = makeEvent();
    const { answer, release } = await publishWhileHanging(event, 1);
    expect(await answer.json()).toMatchObject({ accepted: [{ duplicate: false, deliveries: 1 }] });
    expect(await waitingEvents()).toEqual([]);
    await release();
    expect(await arrivedWithBarrier(1)).toEqual([event.uuid]);
  });

  it("for more than a minute takes nothing twice either", async () => {
    const event = makeEvent();
    const { release } = await publishWhileHanging(event, 1);
    passTime(60_000);
    await release();
    expect(await arrivedWithBarrier(1)).toEqual([event.uuid]);
  });

  it("for 5 s twice has its events wait in D1, and the late calls take nothing twice", async () => {
    const event = makeEvent();
    const { answer, release } = await publishWhileHanging(event, 2);
    expect(answer.status).toBe(202);
    expect(await waitingEvents()).toEqual([event.uuid]);
    await cron();
    expect(await waitingEvents()).toEqual([]);
    await release();
    expect(await arrivedWithBarrier(1)).toEqual([event.uuid]);
  });
});

/** Has the first `publish` calls of shards go another way. @returns how many there were. */
function interceptShards(fault: (call: number) => Promise<never> | null): { calls: () => number } {
  let calls = 0;
  const getByName = env.SHARDS.getByName.bind(env.SHARDS);
  vi.spyOn(env.SHARDS, "getByName").mockImplementation((name, options) => {
    const shard = getByName(name, options);
    const publishThere = (request: PublishRequest): Promise<unknown> => {
      calls += 1;
      return fault(calls) ?? Promise.resolve(shard.publish(request));
    };
    return new Proxy(shard, {
      get: (target, key) => (key === "publish" ? publishThere : Reflect.get(target, key)),
    });
  });
  return { calls: () => calls };
}

const hangs = (): Promise<never> => new Promise(() => undefined);

describe("a shard that is overloaded", () => {
  it("is not called again at once: the publisher is told to repeat", async () => {
    const { calls } = interceptShards(() => Promise.reject(overloaded()));
    const { status, headers } = await publish(makeEvent());
    expect([status, headers.get("Retry-After"), calls()]).toEqual([503, "1", 1]);
  });
});

describe("shards and lanes that hang have one deadline:", () => {
  beforeEach(
    () => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: Date.now() }),
  );

  it("shards 6 s, then the publisher is told to repeat", async () => {
    const { calls } = interceptShards(hangs);
    const answer = gateway.fetch(publishRequest(makeEvent()), env, createExecutionContext());
    for (const [call, ms] of [4000, 2000].entries()) {
      await vi.waitFor(() => expect(calls()).toBe(call + 1));
      await vi.advanceTimersByTimeAsync(ms);
    }
    const { status, headers } = await answer;
    expect([status, headers.get("Retry-After")]).toEqual([503, "1"]);
  });

  it("lanes 7.5 s from the start of the request, then their events wait", async () => {
    const shardCalls = interceptShards((call) => (call === 1 ? hangs() : null));
    const laneCalls = interceptAccept(hangs);
    const event = makeEvent();
    const answer = gateway.fetch(publishRequest(event), env, createExecutionContext());
    await vi.waitFor(() => expect(shardCalls.calls()).toBe(1));
    await vi.advanceTimersByTimeAsync(4000);
    for (const [call, ms] of [laneTimeoutMs, 1000].entries()) {
      await vi.waitFor(() => expect(laneCalls.calls()).toBe(call + 1));
      await vi.advanceTimersByTimeAsync(ms);
    }
    expect((await answer).status).toBe(202);
    expect(await waitingEvents()).toEqual([event.uuid]);
  });
});

async function webhookId(): Promise<number> {
  const query = env.DB.prepare("SELECT id FROM webhooks WHERE uuid = ?").bind(webhook.uuid);
  return (await query.first<number>("id")) ?? 0;
}

async function handOverMessage(): Promise<void> {
  expect(await consume([{ handover: await webhookId() }])).toEqual({ acked: ["message-0"], retried: [] });
}
