import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readConfig } from "../../src/platform/config";
import { matchesMax } from "../../src/events/matching";
import type { AcceptResult, Handover } from "../../src/lane/handover";
import gateway from "../../src/index";
import { encryptSettings } from "../../src/platform/encryption";
import { restartClock, stopClock } from "../clock";
import { archiveOnly, eventUuidsIn, makeEvent, makeListener, publish } from "../event";
import { laneOf } from "../lane";
import { consume } from "../queue";
import { receiver, type Received } from "../receiver";

/** One page is full, and one webhook is left for the second. */
const webhooksCount = matchesMax + 1;
let received: Received[];

/** Puts so many webhooks into D1 that are subscribed to `project:created`. Their names are their places, from 0. @returns their uuids. */
async function insertListeners(count: number): Promise<string[]> {
  const { encryptionKeys } = readConfig(env);
  const rows = await Promise.all(
    Array.from({ length: count }, async (_, place) => {
      const uuid = crypto.randomUUID();
      const settings = { url: `https://hooks.example.com/${place}`, secret: "secret" };
      return { uuid, place, sealed: await encryptSettings(encryptionKeys, uuid, settings) };
    }),
  );
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO webhooks (uuid, name, origin, sealed, verify_ssl, content_type, created_at)
       SELECT value->>'uuid', value->>'place', 'https://hooks.example.com', value->>'sealed', 1, 'application/json', ?2
       FROM json_each(?1)`,
    ).bind(JSON.stringify(rows), Date.now()),
    env.DB.prepare(
      `INSERT INTO subscriptions (uuid, webhook_id, event_type, created_at)
       SELECT 's' || id, id, 'project:created', created_at FROM webhooks`,
    ),
  ]);
  return rows.map(({ uuid }) => uuid);
}

/**
 * Leaves real only the lane of every hundredth webhook, the first and the last among them: to make a thousand takes long.
 * The others take each event once, as lanes do.
 * @returns how often each webhook got an event: its receiver, or its lane where that is no real one.
 */
function mostlyStandIns(uuids: string[]): (eventUuid: string) => number[] {
  const accepted = new Map<string, Set<string>>();
  const accept = async (webhook: string, { events }: Handover): Promise<AcceptResult> => {
    const known = accepted.get(webhook) ?? new Set();
    accepted.set(webhook, known);
    const fresh = events.map(({ uuid }) => !known.has(uuid));
    for (const { uuid } of events) known.add(uuid);
    return { outcome: "accepted", fresh };
  };
  vi.spyOn(env.LANES, "getByName").mockImplementation((name) => {
    const lane = laneOf(name);
    if (uuids.indexOf(name) % 100 === 0) return lane;
    return new Proxy(lane, {
      get: (_, key) => (key === "accept" ? (handover: Handover) => accept(name, handover) : undefined),
    });
  });
  return (eventUuid) => {
    const counts = new Map<string, number>();
    for (const { url, body } of received) {
      if (eventUuidsIn([{ body }])[0] === eventUuid) counts.set(url, (counts.get(url) ?? 0) + 1);
    }
    const others = [...accepted.values()].filter((events) => events.has(eventUuid));
    return [...counts.values(), ...others.map(() => 1)];
  };
}

const once = Array.from({ length: webhooksCount }, () => 1);
const cron = (): Promise<void> => gateway.scheduled(createScheduledController(), env);

async function waitingCount(): Promise<number | null> {
  return env.DB.prepare("SELECT count(*) AS n FROM handovers").first<number>("n");
}

beforeEach(() => {
  stopClock();
  ({ received } = receiver());
  vi.spyOn(env.EVENTS, "send").mockRejectedValue(new Error("no queue in this test"));
});
afterEach(restartClock);

describe("an event for more webhooks than one hand-over takes", () => {
  it("waits in D1 as one row, and reaches each of them once although the hand-over crashes between pages", async () => {
    const countsOf = mostlyStandIns(await insertListeners(webhooksCount));
    const [event, next] = [makeEvent(), makeEvent()];
    expect((await publish(event)).body.accepted).toEqual([
      { uuid: event.uuid, duplicate: false, deliveries: webhooksCount },
    ]);
    expect(await waitingCount()).toBe(1);
    expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: true, deliveries: 0 });

    const prepare = env.DB.prepare.bind(env.DB);
    const crash = vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
      if (query.startsWith("UPDATE handovers SET cursor")) throw new Error("crash");
      return prepare(query);
    });
    await cron();
    // One row is the event's, one the repeat's.
    expect(await waitingCount()).toBe(2);
    crash.mockRestore();
    await vi.waitFor(() => expect(countsOf(event.uuid)).toHaveLength(matchesMax));

    // What is published meanwhile waits behind it.
    await publish(next);
    await cron();
    expect(await waitingCount()).toBe(0);
    await vi.waitFor(() => expect(countsOf(next.uuid)).toHaveLength(webhooksCount));
    expect(countsOf(event.uuid)).toEqual(once);
    expect(countsOf(next.uuid)).toEqual(once);
    const atLast = received.filter(({ url }) => url === `https://hooks.example.com/${matchesMax}`);
    expect(eventUuidsIn(atLast)).toEqual([event.uuid, next.uuid]);
  });
});

/** Leaves a pending bulk hand-over: one row without a webhook. */
async function leaveWaiting(event: { uuid: string }): Promise<void> {
  await archiveOnly(event);
  await env.DB.prepare("INSERT INTO handovers (event_id) SELECT id FROM events").run();
}

describe("while a bulk hand-over is pending", () => {
  it.each([
    ["cron", cron],
    ["a queue message", () => consume([{ handover: null }])],
  ])("what comes behind it does not overtake it, and %s hands both over in order", async (_, handOver) => {
    await makeListener();
    const [bulk, next] = [makeEvent(), makeEvent()];
    await leaveWaiting(bulk);
    expect((await publish(next)).body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 1 });
    expect(received).toEqual([]);
    await handOver();
    expect(await waitingCount()).toBe(0);
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(eventUuidsIn(received)).toEqual([bulk.uuid, next.uuid]);
  });

  it("a webhook made after it was accepted does not get it", async () => {
    const bulk = makeEvent();
    await leaveWaiting(bulk);
    vi.setSystemTime(Date.now() + 1000);
    await makeListener();
    await cron();
    const barrier = makeEvent();
    await publish(barrier);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(eventUuidsIn(received)).toEqual([barrier.uuid]);
  });
});
