import { createExecutionContext, createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import gateway from "../../src/index";
import type { AcceptResult, Handover } from "../../src/lane/handover";
import { stopClock } from "../clock";
import { makeEvent, publish, publishRequest, waitingEvents } from "../event";
import { consume } from "../queue";
import { captureLog } from "../receiver";

const webhooksCount = 1200;
/** Lanes are called for so long. */
const lanesMs = 7500;

/** Puts webhooks into D1 that are subscribed to `project:created`. @returns their uuids, in order of creation. */
async function insertListeners(count: number): Promise<string[]> {
  const uuids = Array.from({ length: count }, () => crypto.randomUUID());
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO webhooks (uuid, name, origin, sealed, verify_ssl, content_type, created_at)
       SELECT value, '', 'https://hooks.example.com', '', 1, 'application/json', 0 FROM json_each(?)`,
    ).bind(JSON.stringify(uuids)),
    env.DB.prepare(
      "INSERT INTO subscriptions (uuid, webhook_id, event_type, created_at) SELECT 's' || id, id, 'project:created', 0 FROM webhooks",
    ),
  ]);
  return uuids;
}

/** Stands in for all lanes. @param accept what the lane of a webhook does. @returns how many are called at once at most. */
function standInLanes(accept: (webhook: string, handover: Handover) => Promise<AcceptResult>): {
  most: () => number;
} {
  let [now, most] = [0, 0];
  vi.spyOn(env.LANES, "getByName").mockImplementation((name) => {
    const lane = {
      accept: async (handover: Handover): Promise<AcceptResult> => {
        now += 1;
        most = Math.max(most, now);
        try {
          return await accept(name, handover);
        } finally {
          now -= 1;
        }
      },
    };
    return lane as unknown as ReturnType<typeof env.LANES.getByName>;
  });
  return { most: () => most };
}

const takes = async ({ events }: Handover): Promise<AcceptResult> => ({
  outcome: "accepted",
  fresh: events.map(() => true),
});

describe("an event for very many webhooks", () => {
  it("is handed over like any other, to 50 lanes at a time where they answer", async () => {
    captureLog();
    stopClock();
    const uuids = await insertListeners(webhooksCount);
    const called: string[] = [];
    const { most } = standInLanes(async (webhook, handover) => {
      called.push(webhook);
      await scheduler.wait(0);
      return takes(handover);
    });
    const event = makeEvent();
    const { status, body } = await publish(event);
    expect(status).toBe(202);
    expect(body.accepted).toEqual([{ uuid: event.uuid, duplicate: false, deliveries: webhooksCount }]);
    expect(called.toSorted()).toEqual(uuids.toSorted());
    expect(most()).toBe(50);
    expect(await waitingEvents()).toEqual([]);
  });

  it("waits in D1 for those lanes that did not take it within 10 s, and for no other", async () => {
    captureLog();
    const uuids = await insertListeners(webhooksCount);
    const dead = new Set(uuids.slice(0, 400));
    let calls = 0;
    standInLanes((webhook, handover) => {
      calls += 1;
      return dead.has(webhook) ? new Promise(() => undefined) : takes(handover);
    });
    // The shards know the webhooks before the clock stands still.
    await publish(makeEvent({ type: "project:deleted" }));
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: Date.now() });
    const event = makeEvent();
    const answer = gateway.fetch(publishRequest(event), env, createExecutionContext());
    await vi.waitFor(() => expect(calls).toBeGreaterThan(0));
    // Only lanes are waited for by the clock. What D1 takes is no matter of it.
    await vi.advanceTimersByTimeAsync(lanesMs);
    expect((await answer).status).toBe(202);
    // Only timers run again: cron hands over for as long as its time lasts, on a slow machine too.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { results } = await env.DB.prepare("SELECT uuid FROM webhooks WHERE waits = 1").all<{
      uuid: string;
    }>();
    const waiting = new Set(results.map(({ uuid }) => uuid));
    expect(waiting).toEqual(dead);
    expect(await waitingEvents()).toHaveLength(waiting.size);
    expect(await env.DB.prepare("SELECT count(*) AS n FROM waiting_events").first<number>("n")).toBe(1);

    const taken: string[] = [];
    standInLanes((webhook, handover) => {
      taken.push(webhook);
      return takes(handover);
    });
    await gateway.scheduled(createScheduledController(), env);
    expect(new Set(taken)).toEqual(waiting);
    expect(await waitingEvents()).toEqual([]);
    expect(await env.DB.prepare("SELECT count(*) AS n FROM waiting_events").first<number>("n")).toBe(0);
  });

  it("is handed over to fewer lanes at once with others of a megabyte in all, also where lanes hang", async () => {
    captureLog();
    await insertListeners(60);
    await publish(makeEvent({ type: "project:deleted" }));
    const events = Array.from({ length: 8 }, () => makeEvent({ pad: "x".repeat(90_000) }));
    const answering = standInLanes(async (_, handover) => {
      await scheduler.wait(0);
      return takes(handover);
    });
    expect((await publish(events)).body.accepted.map(({ deliveries }) => deliveries)).toEqual(
      events.map(() => 60),
    );
    // 20 MB of 0.72 each.
    expect(answering.most()).toBe(27);
    vi.restoreAllMocks();
    captureLog();
    const gate = Promise.withResolvers<void>();
    const hanging = standInLanes(async (_, handover) => {
      await gate.promise;
      return takes(handover);
    });
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: Date.now() });
    const others = events.map(({ pad }) => makeEvent({ pad }));
    const answer = gateway.fetch(publishRequest(others), env, createExecutionContext());
    await vi.waitFor(() => expect(hanging.most()).toBe(27));
    // Then the first ones count as slow, and there is room for as many again, but for no more.
    await vi.advanceTimersByTimeAsync(1000);
    expect(hanging.most()).toBe(54);
    gate.resolve();
    expect((await answer).status).toBe(202);
    vi.useRealTimers();
    expect(hanging.most()).toBe(54);
  });
});

describe("hand-over messages for very many webhooks", () => {
  it("are worked through 20 at once", async () => {
    captureLog();
    const uuids = await insertListeners(50);
    await env.DB.batch([
      env.DB.prepare("UPDATE webhooks SET waits = 1"),
      env.DB.prepare(
        "INSERT INTO waiting_events (id, uuid, type, first_accepted_at, body) VALUES (1, 'one', 'project:created', 0, '{}')",
      ),
      env.DB.prepare("INSERT INTO handovers (webhook_id, event_id) SELECT id, 1 FROM webhooks"),
    ]);
    const called: string[] = [];
    const { most } = standInLanes(async (webhook, handover) => {
      called.push(webhook);
      await scheduler.wait(200);
      return takes(handover);
    });
    const { results } = await env.DB.prepare("SELECT id AS handover FROM webhooks").all();
    expect((await consume(results)).acked).toHaveLength(50);
    expect(called.toSorted()).toEqual(uuids.toSorted());
    expect(most()).toBeGreaterThan(1);
    expect(most()).toBeLessThanOrEqual(20);
    expect(await waitingEvents()).toEqual([]);
  });
});
