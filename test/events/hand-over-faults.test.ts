import { createExecutionContext, createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import gateway from "../../src/index";
import { api, notifications } from "../api";
import { passTime, restartClock, stopClock } from "../clock";
import {
  archiveOnly,
  eventUuidsIn,
  makeEvent,
  makeEvents,
  makeListener,
  publish,
  publishRequest,
} from "../event";
import { interceptAccept } from "../lane";
import { consume } from "../queue";
import { receiver, type Received } from "../receiver";

const laneTimeoutMs = 5000;
let received: Received[];
let webhook: { uuid: string };

beforeEach(async () => {
  stopClock();
  ({ received } = receiver());
  vi.spyOn(env.EVENTS, "send").mockRejectedValue(new Error("no queue in this test"));
  webhook = await makeListener();
});
afterEach(restartClock);

/** Makes the first calls of a lane fail before it takes anything. */
function breakLane(times: number): { calls: () => number } {
  return interceptAccept((call, _, passOn) =>
    call <= times ? Promise.reject(new Error("lane broke")) : passOn(),
  );
}

/** What waits in `handovers`, in order. */
async function waiting(): Promise<string[]> {
  const { results } = await env.DB.prepare(
    "SELECT e.uuid FROM handovers h JOIN events e ON e.id = h.event_id ORDER BY h.id",
  ).all<{ uuid: string }>();
  return results.map(({ uuid }) => uuid);
}

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
    expect(await waiting()).toEqual([]);
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
    expect(await waiting()).toHaveLength(1);
  });
});

describe("a lane that is called too late for new events", () => {
  it("is called once more, and has them once", async () => {
    const { calls } = interceptAccept((call, _, passOn) => {
      if (call === 1) passTime(60_001);
      return passOn();
    });
    const events = makeEvents(3);
    expect((await publish(events)).body.accepted).toMatchObject(
      events.map(() => ({ duplicate: false, deliveries: 1 })),
    );
    expect(calls()).toBe(2);
    expect(await waiting()).toEqual([]);
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
      if (call === 1) passTime(60_001);
      return call === 2 ? Promise.reject(new Error("lane broke")) : passOn();
    });
    const event = makeEvent();
    expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 1 });
    expect(await waiting()).toEqual([event.uuid]);
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
    expect(await waiting()).toEqual(events.map(({ uuid }) => uuid));
    expect(received).toEqual([]);
  });

  it("is not called while events wait: what comes behind is appended", async () => {
    const { calls } = breakLane(2);
    const events = makeEvents(3);
    for (const event of events) expect((await publish(event)).status).toBe(202);
    expect(await waiting()).toEqual(events.map(({ uuid }) => uuid));
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
    expect(await waiting()).toEqual([]);
    expect(await arrivedWithBarrier(4)).toEqual(events.map(({ uuid }) => uuid));
  });

  it("gets more than fit one call, in order and once", async () => {
    breakLane(2);
    const events = makeEvents(250);
    await publish(events[0]);
    for (let start = 1; start < 250; start += 83) await publish(events.slice(start, start + 83));
    expect(await waiting()).toHaveLength(250);
    await cron();
    expect(await arrivedWithBarrier(250)).toEqual(events.map(({ uuid }) => uuid));
  });

  it("gets what waits once also from two at the same time", async () => {
    breakLane(2);
    const events = makeEvents(5);
    for (const event of events) await publish(event);
    await Promise.all([cron(), cron(), handOverMessage()]);
    expect(await waiting()).toEqual([]);
    expect(await arrivedWithBarrier(5)).toEqual(events.map(({ uuid }) => uuid));
  });

  it("keeps its events waiting when it still breaks, and has the queue message retried", async () => {
    breakLane(6);
    const event = makeEvent();
    await publish(event);
    await cron();
    expect(await consume([{ handover: await webhookId() }])).toEqual({ acked: [], retried: ["message-0"] });
    expect(await waiting()).toEqual([event.uuid]);
    await cron();
    expect(await arrivedWithBarrier(1)).toEqual([event.uuid]);
  });

  it("gets an event once although a hand-over crashed between the lane and D1", async () => {
    breakLane(2);
    const events = makeEvents(2);
    for (const event of events) await publish(event);
    const prepare = env.DB.prepare.bind(env.DB);
    const crash = vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
      if (query.startsWith("DELETE FROM handovers")) throw new Error("crash");
      return prepare(query);
    });
    await cron();
    crash.mockRestore();
    expect(await waiting()).toHaveLength(2);
    await cron();
    expect(await waiting()).toEqual([]);
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
    expect(await waiting()).toEqual([]);
    await cron();
    expect(received).toEqual([]);
  });

  it("is told of by a message that holds the webhook's number and nothing else", async () => {
    const send = vi.spyOn(env.EVENTS, "send").mockRejectedValue(new Error("no queue in this test"));
    breakLane(2);
    await publish(makeEvent());
    expect(send).toHaveBeenCalledExactlyOnceWith({ handover: await webhookId() });
  });
});

/** As when D1 is full: the next batch that writes fails, what only reads does not. */
function failArchive(): void {
  vi.spyOn(env.DB, "batch").mockRejectedValueOnce(new Error("D1 is full"));
}

describe("an archive that cannot be written", () => {
  it("stops no delivery to a lane, and a repeat is delivered once all the same", async () => {
    const event = makeEvent();
    failArchive();
    expect((await publish(event)).status).toBe(202);
    await publish(event);
    expect(await arrivedWithBarrier(1)).toEqual([event.uuid]);
  });

  it.each([
    ["was archived and delivered before", false],
    ["could not be archived when it was delivered", true],
  ])("does not deliver again what %s, hours or a day later", async (_, isUnarchived) => {
    const event = makeEvent();
    if (isUnarchived) failArchive();
    await publish(event);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    for (const hours of [1, 25]) {
      passTime(hours * 3_600_000);
      failArchive();
      expect((await publish(event)).body.accepted[0]).toMatchObject({ deliveries: 0 });
      expect((await publish(event)).body.accepted[0]).toMatchObject({ deliveries: 0 });
    }
    expect(await arrivedWithBarrier(1)).toEqual([event.uuid]);
  });

  it("is no 202 when the lane does not take the events: they would be nowhere", async () => {
    breakLane(2);
    const event = makeEvent();
    failArchive();
    expect((await publish(event)).status).toBe(500);
    expect((await publish(event)).status).toBe(202);
    expect(await arrivedWithBarrier(1)).toEqual([event.uuid]);
  });

  it("is no 202 while earlier events wait for the webhook", async () => {
    breakLane(2);
    const [first, second] = [makeEvent(), makeEvent()];
    await publish(first);
    failArchive();
    expect((await publish(second)).status).toBe(500);
    await publish(second);
    await cron();
    expect(await arrivedWithBarrier(2)).toEqual([first.uuid, second.uuid]);
  });

  it("is no 202 while an event for very many webhooks waits", async () => {
    const [bulk, next] = [makeEvent(), makeEvent()];
    await archiveOnly(bulk);
    await env.DB.prepare("INSERT INTO handovers (event_id) SELECT id FROM events").run();
    failArchive();
    expect((await publish(next)).status).toBe(500);
    await publish(next);
    await cron();
    expect(await arrivedWithBarrier(2)).toEqual([bulk.uuid, next.uuid]);
  });
});

it("when neither the lane nor D1 takes the events, the publisher gets a 500 and the repeat delivers them", async () => {
  breakLane(2);
  const prepare = env.DB.prepare.bind(env.DB);
  const crash = vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
    if (query.startsWith("INSERT INTO handovers")) throw new Error("D1 is down");
    return prepare(query);
  });
  const event = makeEvent();
  expect((await publish(event)).status).toBe(500);
  crash.mockRestore();
  expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 1 });
  expect(await arrivedWithBarrier(1)).toEqual([event.uuid]);
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
    expect(await waiting()).toEqual([]);
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
    expect(await waiting()).toEqual([event.uuid]);
    await cron();
    expect(await waiting()).toEqual([]);
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
