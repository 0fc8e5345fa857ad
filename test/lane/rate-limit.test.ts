import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { RateLimit } from "../../src/lane/rate-limit";
import { stopTimers } from "../clock";
import { makeEvents, makeListener, publish } from "../event";
import { laneOf, passTimeIn, runAlarm } from "../lane";
import { hanging, receiver } from "../receiver";
import { limited, limits } from "../stand-ins/rate-limits";
import { type Service, services } from "../stand-ins/shown-by";
import type { StandIn } from "../stand-ins/types";

/**
 * Of attempts that arrived at these times (ms), those that began before it was their turn: the n-th may begin `gapMs` after the one
 * before it. One that arrives late, on a slow machine, says nothing about the next one.
 */
function tooEarly(arrivals: readonly number[], since: number, gapMs: number): number[] {
  return arrivals.filter((at, place) => at < since + place * gapMs);
}

/**
 * Publishes so many events at once to a webhook, and lets `gapMs` pass after each message. While a message is under way the
 * clock stands still: else a slow machine would make it late, and the next one early.
 * @returns the statuses that its service answered, of each message the first.
 */
async function burst(
  changes: Record<string, unknown>,
  standIn: StandIn,
  { count, gapMs }: { count: number; gapMs: number },
): Promise<number[]> {
  const { uuid } = await makeListener({ ...changes, ordering: "none" });
  const statuses: number[] = [];
  receiver((request) => {
    const { status, headers = {}, body } = standIn(request);
    statuses.push(status);
    return new Response(status === 204 ? null : body, { status, headers });
  });
  const published = publish(makeEvents(count));
  for (let sent = 1; sent <= count; sent++) {
    while (statuses.length < sent) await passTimeIn(uuid, 0);
    await passTimeIn(uuid, gapMs);
  }
  await published;
  return statuses;
}

describe("a rate limit", () => {
  it("lets an attempt begin only when the one before it is far enough away", () => {
    const rateLimit = new RateLimit();
    expect(rateLimit.nextStart(10, 1000, () => null)).toBe(0);
    rateLimit.started(1000);
    expect(rateLimit.nextStart(10, 1000, () => null)).toBe(1100);
    rateLimit.started(1100);
    expect(rateLimit.nextStart(10, 1100, () => null)).toBe(1200);
    rateLimit.started(5000);
    expect(rateLimit.nextStart(10, 5000, () => null)).toBe(5100);
  });

  it("does not burst after a wake: the latest attempt on disk counts", () => {
    expect(new RateLimit().nextStart(0.5, 1500, () => 1000)).toBe(3000);
  });

  it("makes no wait longer than it is when the clock goes back", () => {
    const rateLimit = new RateLimit();
    rateLimit.started(90_000);
    expect(rateLimit.nextStart(0.5, 1000, () => null)).toBe(3000);
  });

  it("that is not set holds nothing up", () => {
    const rateLimit = new RateLimit();
    rateLimit.started(1000);
    expect(rateLimit.nextStart(null, 1000, () => 1000)).toBe(0);
  });

  it("spreads a burst: no two attempts begin closer than it allows, across an eviction too", async () => {
    stopTimers();
    const { uuid } = await makeListener({ rate_limit_per_s: 50 });
    const starts: number[] = [];
    receiver(() => {
      starts.push(Date.now());
      return new Response("ok");
    });
    const arrive = async (count: number): Promise<void> => {
      while (starts.length < count) await passTimeIn(uuid, 1);
      expect(starts).toHaveLength(count);
    };
    const since = Date.now();
    const first = publish(makeEvents(10));
    await arrive(10);
    await first;
    await vi.waitFor(async () => expect((await laneOf(uuid).stats())?.backlog).toBe(0));
    await evictDurableObject(laneOf(uuid));
    await publish(makeEvents(2));
    // What a lane that has just woken may not send yet, its alarm sends.
    const alarm = runAlarm(uuid, 20);
    await arrive(12);
    await alarm;
    expect(tooEarly(starts, since, 20)).toEqual([]);
  });

  it.each([
    ["Slack's pace, once a second", { url: "https://hooks.slack.com/services/T/B/x" }, 1000],
    ["what was set instead", { url: "https://hooks.slack.com/services/T/B/x", rate_limit_per_s: 10 }, 100],
  ])("is %s, from the first attempt on", async (_, changes, gapMs) => {
    stopTimers();
    const { uuid } = await makeListener({ ...changes, ordering: "none" });
    const starts: number[] = [];
    receiver(() => {
      starts.push(Date.now());
      return new Response("ok");
    });
    const since = Date.now();
    const published = publish(makeEvents(4));
    while (starts.length < 4) await passTimeIn(uuid, gapMs / 20);
    expect(starts).toHaveLength(4);
    await published;
    expect(tooEarly(starts, since, gapMs)).toEqual([]);
  });

  it.each(Object.entries(limits))(
    "is %s's own, from the first attempt on: it refuses no message of a burst",
    async (name, limit) => {
      stopTimers();
      const { url, options, standIn } = services[name] as Service;
      const changes = { url, ...(options && { format_options: options }) };
      const gapMs = limit.perMs / limit.count;
      const answered = await burst(changes, limited(standIn, limit), { count: limit.count + 3, gapMs });
      expect(answered.filter((status) => status > 299)).toEqual([]);
    },
  );

  it("counts from when an attempt really begins, however long it was prepared", async () => {
    stopTimers();
    const { url, standIn } = services["slack"] as Service;
    const { uuid } = await makeListener({ url });
    const slack = limited(standIn, limits.slack);
    const statuses: number[] = [];
    receiver((request) => {
      const { status, body } = slack(request);
      statuses.push(status);
      return new Response(body, { status });
    });
    const decrypt = crypto.subtle.decrypt.bind(crypto.subtle);
    vi.spyOn(crypto.subtle, "decrypt").mockImplementation((...parameters) => {
      vi.setSystemTime(Date.now() + 500);
      return decrypt(...parameters);
    });
    const published = publish(makeEvents(2));
    while (statuses.length < 1) await passTimeIn(uuid, 0);
    // The second would begin a second after the first was taken up, and half a second after the service got it.
    await passTimeIn(uuid, 500);
    for (let looks = 0; looks < 20; looks++) await passTimeIn(uuid, 0);
    while (statuses.length < 2) await passTimeIn(uuid, 500);
    await published;
    expect(statuses).toEqual([200, 200]);
  });

  it("is enforced by the stand-ins: a service refuses what comes faster than it allows", async () => {
    stopTimers();
    const { url, standIn } = services["slack"] as Service;
    const answered = await burst({ url, rate_limit_per_s: 10 }, limited(standIn, limits.slack), {
      count: 2,
      gapMs: 100,
    });
    expect(answered).toEqual([200, 429]);
  });

  it("is none for a receiver of one's own: a burst begins at once", async () => {
    const { received } = receiver(hanging);
    await makeListener({ ordering: "none" });
    await publish(makeEvents(4));
    await vi.waitFor(() => expect(received).toHaveLength(4));
  });
});
