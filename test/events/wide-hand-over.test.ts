import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readConfig } from "../../src/platform/config";
import { matchesMax } from "../../src/events/matching";
import gateway from "../../src/index";
import { encryptSettings } from "../../src/platform/encryption";
import { restartClock, stopClock } from "../clock";
import { archiveOnly, eventUuidsIn, makeEvent, makeListener, publish } from "../event";
import { consume } from "../queue";
import { receiver, type Received } from "../receiver";

/** One page is full, and one webhook is left for the second. */
const webhooksCount = matchesMax + 1;
let received: Received[];

/** Puts so many webhooks into D1 that hear `project:created`. Their names are their places, from 0. */
async function insertListeners(count: number): Promise<void> {
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
}

/** How often each webhook got each event. */
function countsOf(eventUuid: string): number[] {
  const counts = new Map<string, number>();
  for (const { url, body } of received) {
    if (eventUuidsIn([{ body }])[0] === eventUuid) counts.set(url, (counts.get(url) ?? 0) + 1);
  }
  return [...counts.values()];
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
    await insertListeners(webhooksCount);
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
    await vi.waitFor(() => expect(countsOf(event.uuid)).toHaveLength(matchesMax), 60_000);

    // What is published meanwhile waits behind it.
    await publish(next);
    await cron();
    expect(await waitingCount()).toBe(0);
    await vi.waitFor(() => expect(countsOf(next.uuid)).toHaveLength(webhooksCount), 60_000);
    expect(countsOf(event.uuid)).toEqual(once);
    expect(countsOf(next.uuid)).toEqual(once);
    const atLast = received.filter(({ url }) => url === `https://hooks.example.com/${matchesMax}`);
    expect(eventUuidsIn(atLast)).toEqual([event.uuid, next.uuid]);
  });
});

/** As a wide event leaves it: one row without a webhook. */
async function leaveWaiting(event: { uuid: string }): Promise<void> {
  await archiveOnly(event);
  await env.DB.prepare("INSERT INTO handovers (event_id) SELECT id FROM events").run();
}

describe("while a wide event waits", () => {
  it.each([
    ["cron", cron],
    ["a queue message", () => consume([{ handover: null }])],
  ])("what comes behind it does not overtake it, and %s hands both over in order", async (_, handOver) => {
    await makeListener();
    const [wide, next] = [makeEvent(), makeEvent()];
    await leaveWaiting(wide);
    expect((await publish(next)).body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 1 });
    expect(received).toEqual([]);
    await handOver();
    expect(await waitingCount()).toBe(0);
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(eventUuidsIn(received)).toEqual([wide.uuid, next.uuid]);
  });

  it("a webhook made after it was accepted does not get it", async () => {
    const wide = makeEvent();
    await leaveWaiting(wide);
    vi.setSystemTime(Date.now() + 1000);
    await makeListener();
    await cron();
    const barrier = makeEvent();
    await publish(barrier);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(eventUuidsIn(received)).toEqual([barrier.uuid]);
  });
});
