import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Answer, api, notifications } from "../../api";
import { passTime, stopClock } from "../../clock";
import { change, deliveriesOf, deliveryAt } from "../../deliveries";
import { makeEvent, makeEvents, makeListener, publish } from "../../event";
import { laneOf, runAlarm } from "../../lane";
import { receiver } from "../../receiver";

const unknown = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const failed = (): Response => new Response(null, { status: 500 });
const noAttempts = { attempts: 0, success_rate: null, p50_ms: null, p95_ms: null, p99_ms: null };

type Stats = {
  state: string;
  disabled_reason: string | null;
  counts: { pending: number; delivered: number; failed: number; dead: number };
  backlog: number;
  oldest_pending_at: string | null;
  next_attempt_at: string | null;
  last_hour: Record<string, number | null>;
  last_day: Record<string, number | null>;
  message?: string;
};

beforeEach(stopClock);

function getStats(uuid: string): Promise<Answer<Stats>> {
  return api("GET", `${notifications}/subscribers/${uuid}/stats`);
}

const statsOf = async (uuid: string): Promise<Stats> => (await getStats(uuid)).body;

describe("GET /subscribers/{uuid}/stats", () => {
  it("of a new webhook is all zero, and nothing where there is nothing to say", async () => {
    const { uuid } = await makeListener();
    const { status, body } = await getStats(uuid);
    expect(status).toBe(200);
    expect(body).toEqual({
      state: "active",
      disabled_reason: null,
      counts: { pending: 0, delivered: 0, failed: 0, dead: 0 },
      backlog: 0,
      oldest_pending_at: null,
      next_attempt_at: null,
      last_hour: noAttempts,
      last_day: noAttempts,
    });
  });

  it("counts each delivery once, where the log shows it", async () => {
    const { received } = receiver((_, index) => (index < 3 ? new Response() : failed()));
    const { uuid } = await makeListener();
    await publish(makeEvents(6));
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 4)).status).toBe("failed"));
    expect(received).toHaveLength(4);
    await change("skip", uuid, 5);
    const stats = await statsOf(uuid);
    expect(stats.counts).toEqual({ delivered: 3, failed: 1, dead: 1, pending: 1 });
    expect(stats.backlog).toBe(2);
    for (const status of ["delivered", "failed", "dead", "pending"] as const) {
      expect(await deliveriesOf(uuid, `?status=${status}`)).toHaveLength(stats.counts[status]);
    }
    expect(stats.last_hour).toMatchObject({ attempts: 4, success_rate: 0.75 });
  });

  it("says since when the oldest delivery waits, and when the next attempt is due", async () => {
    receiver(failed);
    const { uuid } = await makeListener();
    await publish(makeEvent());
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).status).toBe("failed"));
    passTime(500);
    await publish(makeEvent());
    const head = await deliveryAt(uuid, 1);
    const stats = await statsOf(uuid);
    expect(stats.oldest_pending_at).toBe(head.accepted_at);
    expect(stats.next_attempt_at).toBe(head.next_attempt_at);
  });

  it("has latencies of the right order", async () => {
    const { received } = receiver(() => {
      passTime(100);
      return new Response();
    });
    const { uuid } = await makeListener();
    await publish(makeEvents(10));
    await vi.waitFor(() => expect(received).toHaveLength(10));
    await vi.waitFor(async () => expect((await statsOf(uuid)).counts.delivered).toBe(10));
    const { p50_ms, p95_ms, p99_ms } = (await statsOf(uuid)).last_hour;
    for (const latency of [p50_ms, p95_ms, p99_ms]) {
      expect(latency).toBeGreaterThan(80);
      expect(latency).toBeLessThan(200);
    }
  });

  it("forgets after an hour, and after a day, and not what the counts say", async () => {
    receiver();
    const { uuid } = await makeListener();
    await publish(makeEvents(2));
    await vi.waitFor(async () => expect((await statsOf(uuid)).counts.delivered).toBe(2));
    passTime(3_900_000);
    expect(await statsOf(uuid)).toMatchObject({ last_hour: noAttempts, last_day: { attempts: 2 } });
    passTime(86_400_000);
    expect(await statsOf(uuid)).toMatchObject({ last_day: noAttempts, counts: { delivered: 2 } });
  });

  it("says the same right after the lane was evicted", async () => {
    receiver((_, index) => (index < 2 ? new Response() : failed()));
    const { uuid } = await makeListener();
    await publish(makeEvents(5));
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 3)).status).toBe("failed"));
    await change("skip", uuid, 5);
    const before = await statsOf(uuid);
    expect(before.counts).toEqual({ delivered: 2, failed: 1, dead: 1, pending: 1 });
    await evictDurableObject(laneOf(uuid));
    expect(await statsOf(uuid)).toEqual(before);
  });

  it("of a paused webhook has its backlog and no next attempt", async () => {
    receiver();
    const { uuid } = await makeListener();
    await api("POST", `${notifications}/subscribers/${uuid}/pause`);
    await publish(makeEvents(3));
    for (const evicted of [false, true]) {
      if (evicted) await evictDurableObject(laneOf(uuid));
      expect(await statsOf(uuid)).toMatchObject({
        state: "paused",
        backlog: 3,
        counts: { pending: 3 },
        next_attempt_at: null,
      });
    }
  });

  it("of a disabled webhook says why", async () => {
    receiver(() => new Response(null, { status: 410 }));
    const { uuid } = await makeListener();
    await publish(makeEvent());
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).attempts_made).toBe(1));
    await runAlarm(uuid);
    expect(await statsOf(uuid)).toMatchObject({
      state: "disabled",
      disabled_reason: "The receiver answered 410 Gone.",
      backlog: 1,
    });
  });

  it("answers 404 for an unknown webhook", async () => {
    const { status, body } = await getStats(unknown);
    expect(status).toBe(404);
    expect(body).toEqual({ message: `Subscriber ${unknown} does not exist.` });
  });
});
