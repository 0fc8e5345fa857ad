import { createExecutionContext, createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import gateway from "../../src/index";
import { api, notifications } from "../api";
import { passTime, restartClock, stopClock } from "../clock";
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
afterEach(restartClock);

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

  it("loses what waits when its webhook is deleted, and nothing is left in D1", async () => {
    breakLane(2);
    await publish(makeEvent());
    await api("DELETE", `${notifications}/subscribers/${webhook.uuid}`);
    expect(await waitingEvents()).toEqual([]);
    await cron();
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
});

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

function webhookId(): Promise<number | null> {
  return env.DB.prepare("SELECT id FROM webhooks WHERE uuid = ?").bind(webhook.uuid).first<number>("id");
}

async function handOverMessage(): Promise<void> {
  expect(await consume([{ handover: await webhookId() }])).toEqual({ acked: ["message-0"], retried: [] });
}
