import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { LogQuery, LoggedDelivery } from "../../src/lane/delivery-log";
import type { LaneStats } from "../../src/lane/lane-stats";
import { passTime, stopClock } from "../clock";
import { makeEvent, makeListener } from "../event";
import { configOf, handoverEvent, laneOf } from "../lane";
import { receiver } from "../receiver";
import { deliveriesTable } from "./lane-rows";
import { change, hand, live, range, settle, times, withoutJitter } from "./lane-traffic";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const start = Date.UTC(2040, 0, 1);

beforeEach(() => {
  stopClock();
  withoutJitter();
});

const failed = (): Response => new Response(null, { status: 500 });

/** All that the log says to a question, page by page. */
async function listAll(uuid: string, query: Omit<LogQuery, "limit">, limit = 3): Promise<LoggedDelivery[]> {
  const found: LoggedDelivery[] = [];
  for (let before: number | undefined; ;) {
    const page = await laneOf(uuid).deliveries({ ...query, limit, ...(before !== undefined && { before }) });
    expect(page.deliveries.length).toBeLessThanOrEqual(limit);
    found.push(...page.deliveries);
    if (page.next === null) return found;
    before = page.next;
  }
}

describe("the log of a delivery", () => {
  it("has its attempts, each with time, duration, status, error class, answer and headers", async () => {
    const { received } = receiver((_, index) => {
      passTime([120, 40, 7][index] ?? 0);
      if (index === 0) return new Response("x".repeat(3000), { status: 503, headers: { "X-From": "first" } });
      if (index === 1) throw new Error("internal error; reference = 0123456789abcdef");
      return new Response("thanks", { headers: { "X-From": "third" } });
    });
    const { uuid } = await makeListener();
    const [event] = await hand(uuid, times(1));
    await live(uuid, hourMs);
    const found = await laneOf(uuid).delivery(1);
    expect(found).toMatchObject({
      sequence: 1,
      status: "delivered",
      eventUuid: event?.uuid,
      eventType: "project:created",
      attempts: 3,
      lastStatus: 200,
      lastError: null,
      nextAttemptAt: null,
    });
    expect(found?.history).toMatchObject([
      {
        number: 1,
        durationMs: 120,
        status: 503,
        error: "http_5xx",
        responseHeaders: { "x-from": "first" },
        responseBody: "x".repeat(2048),
      },
      { number: 2, durationMs: 40, status: null, error: "connection", responseHeaders: {}, responseBody: "" },
      {
        number: 3,
        durationMs: 7,
        status: 200,
        error: null,
        responseHeaders: { "x-from": "third" },
        responseBody: "thanks",
      },
    ]);
    const [first, second, third] = found?.history ?? [];
    expect(second?.startedAt).toBe((first?.startedAt ?? 0) + 120 + 2000);
    expect(found?.deliveredAt).toBe((third?.startedAt ?? 0) + 7);
    expect(received).toHaveLength(3);
  });

  it.each([
    ["JSON", {}],
    ["a form", { content_type: "application/x-www-form-urlencoded" }],
    ["Slack", { url: "https://hooks.slack.com/services/T/B/x" }],
    ["Discord", { url: "https://discord.com/api/webhooks/1/x" }],
  ])(
    "has the exact body and headers of the latest attempt, whatever was changed since: %s",
    async (_, changes) => {
      const { received } = receiver((_request, index) => (index === 0 ? failed() : new Response()));
      const { uuid } = await makeListener({ name: "Old", ...changes });
      await hand(uuid, times(1));
      await change(uuid, { name: "Newer" });
      await live(uuid, hourMs);
      await change(uuid, {
        name: "Newest",
        url: "https://other.example.com/",
        secret: "another",
        content_type: "application/json",
      });
      await hand(uuid, times(1));
      await settle(uuid);
      await evictDurableObject(laneOf(uuid));
      const found = await laneOf(uuid).delivery(1);
      expect(found?.body).toBe(received[1]?.body);
      expect(found?.body).toContain("Newer");
      const sent = Object.entries(found?.sent?.headers ?? {});
      expect(sent.map(([name]) => name.toLowerCase()).toSorted()).toEqual(
        [...(received[1]?.headers.keys() ?? [])].toSorted(),
      );
      const got = sent.map(([name]) => [name, received[1]?.headers.get(name)]);
      expect(got).toEqual(sent);
    },
  );

  it("has the attempt's number as it was sent, also of one that ended behind another", async () => {
    const held = [Promise.withResolvers<Response>(), Promise.withResolvers<Response>()];
    const { received, logged } = receiver((_, index) => held[index]?.promise ?? new Response());
    const { uuid } = await makeListener({ ordering: "none" });
    await hand(uuid, times(2));
    await vi.waitFor(() => expect(received).toHaveLength(2));
    await laneOf(uuid).skip(1);
    await laneOf(uuid).redeliver(1);
    held[1]?.resolve(new Response());
    await vi.waitFor(() => expect(logged().match(/"message":"attempt"/g) ?? []).toHaveLength(2));
    held[0]?.resolve(new Response());
    await vi.waitFor(() => expect(logged().match(/"message":"attempt"/g)).toHaveLength(3));
    expect(received.map(({ headers }) => headers.get("X-Orchest-Attempt"))).toEqual(["1", "1", "1"]);
    const found = await laneOf(uuid).delivery(1);
    expect([found?.attempts, found?.sent?.headers["X-Orchest-Attempt"]]).toEqual([2, "1"]);
  });

  it("has all headers also where an earlier version of the gateway kept them with the attempt", async () => {
    receiver();
    const { uuid } = await makeListener({ headers: { "X-Team": "data" } });
    await hand(uuid, times(1));
    await settle(uuid);
    const sent = (await laneOf(uuid).delivery(1))?.sent;
    expect(sent?.headers).toMatchObject({ "X-Team": "********", "X-Orchest-Attempt": "1" });
    await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
      const table = deliveriesTable(sql);
      sql.exec(`UPDATE ${table} SET request_headers = ?`, JSON.stringify(sent?.headers));
      sql.exec("UPDATE sent_as SET sent_as = json_remove(sent_as, '$.headerNames')");
    });
    expect((await laneOf(uuid).delivery(1))?.sent).toEqual(sent);
  });

  it("that was never tried says so", async () => {
    receiver(failed);
    const { uuid } = await makeListener();
    await hand(uuid, times(2));
    expect(await laneOf(uuid).delivery(2)).toMatchObject({
      status: "pending",
      attempts: 0,
      sent: null,
      body: null,
      history: [],
      nextAttemptAt: null,
    });
  });

  it("that does not exist is null", async () => {
    receiver();
    const { uuid } = await makeListener();
    expect(await laneOf(uuid).delivery(1)).toBeNull();
    await hand(uuid, times(1));
    expect(await laneOf(uuid).delivery(2)).toBeNull();
  });

  it("is found by its event", async () => {
    receiver();
    const { uuid } = await makeListener();
    await hand(uuid, times(20));
    passTime(dayMs);
    const [event] = await hand(uuid, times(1));
    const found = await laneOf(uuid).deliveryOf(event?.uuid ?? "", Date.now());
    expect(found).toMatchObject({ sequence: 21 });
    expect(await laneOf(uuid).deliveryOf(crypto.randomUUID(), start)).toBeNull();
  });
});

const sequences = (found: LoggedDelivery[]): number[] => found.map(({ sequence }) => sequence);

describe("the list", () => {
  /** Ten deliveries on each of three days, of two types; the third of each day fails, and so does the newest. */
  async function threeDays(): Promise<string> {
    receiver(({ headers }) => {
      const sequence = Number(headers.get("X-Orchest-Sequence"));
      return sequence % 10 === 3 || sequence === 30 ? failed() : new Response();
    });
    const { uuid } = await makeListener({ ordering: "none", retry: { max_attempts: 2 } });
    for (let day = 0; day < 3; day++) {
      vi.setSystemTime(start + day * dayMs + hourMs);
      const events = range(1, 10).map((place) =>
        handoverEvent(makeEvent(), { type: place % 2 === 0 ? "project:updated" : "project:created" }),
      );
      await laneOf(uuid).accept({ config: await configOf(uuid), events });
      await settle(uuid);
      if (day < 2) await live(uuid, hourMs);
    }
    await evictDurableObject(laneOf(uuid));
    return uuid;
  }

  it("is newest first, page by page, across days", async () => {
    const uuid = await threeDays();
    expect(sequences(await listAll(uuid, {}))).toEqual(range(1, 30).toReversed());
    expect(sequences(await listAll(uuid, {}, 10))).toEqual(range(1, 30).toReversed());
    expect(sequences(await listAll(uuid, {}, 100))).toEqual(range(1, 30).toReversed());
  });

  it("has a next page exactly when there is more", async () => {
    const uuid = await threeDays();
    expect((await laneOf(uuid).deliveries({ limit: 29 })).next).not.toBeNull();
    expect((await laneOf(uuid).deliveries({ limit: 30 })).next).toBeNull();
  });

  it.each<[string, Omit<LogQuery, "limit">, number[]]>([
    ["dead", { status: "dead" }, [13, 3]],
    ["failed", { status: "failed" }, [30, 23]],
    ["pending", { status: "pending" }, []],
    ["a type", { eventType: "project:updated", since: start + 2 * dayMs }, [30, 28, 26, 24, 22]],
    [
      "delivered ones of a type",
      { status: "delivered", eventType: "project:created", until: start + dayMs },
      [9, 7, 5, 1],
    ],
    ["since a moment, included", { since: start + 2 * dayMs + hourMs, status: "failed" }, [30, 23]],
    ["since a moment later", { since: start + 2 * dayMs + hourMs + 1 }, []],
    ["until a moment, excluded", { until: start + dayMs + hourMs }, range(1, 10).toReversed()],
    ["between two moments", { since: start + dayMs, until: start + 2 * dayMs }, range(11, 20).toReversed()],
  ])("is filtered by %s", async (_, query, expected) => {
    const uuid = await threeDays();
    expect(sequences(await listAll(uuid, query))).toEqual(expected);
    expect(sequences(await listAll(uuid, query, 100))).toEqual(expected);
  });

  it("of a lane without deliveries is empty", async () => {
    const { uuid } = await makeListener();
    expect(await laneOf(uuid).deliveries({ limit: 10 })).toEqual({ deliveries: [], next: null });
  });

  it("says when each was accepted and is tried next", async () => {
    const uuid = await threeDays();
    const { deliveries } = await laneOf(uuid).deliveries({ limit: 1 });
    expect(deliveries[0]).toMatchObject({
      sequence: 30,
      status: "failed",
      acceptedAt: start + 2 * dayMs + hourMs,
      deliveredAt: null,
      lastStatus: 500,
      lastError: "http_5xx",
      attempts: 1,
    });
    expect(deliveries[0]?.nextAttemptAt).toBeGreaterThan(start + 2 * dayMs + hourMs);
  });
});

const figures = async (uuid: string): Promise<LaneStats | null> => laneOf(uuid).stats();

describe("the figures", () => {
  it.each(["strict", "keyed", "none"])(
    "are the same right after an eviction, in %s order",
    async (ordering) => {
      receiver(({ headers }, index) => {
        passTime(1 + ((index * 37) % 900));
        return Number(headers.get("X-Orchest-Sequence")) % 7 === 0 ? failed() : new Response();
      });
      const { uuid } = await makeListener({ ordering, retry: { max_attempts: 3 } });
      for (let round = 0; round < 6; round++) {
        await hand(
          uuid,
          range(1, 40).map((place) => String(place % 4)),
        );
        await live(uuid, [10, 60_000, 0, 20 * 60_000, 3000, 0][round] ?? 0);
        const before = await figures(uuid);
        await evictDurableObject(laneOf(uuid));
        expect(await figures(uuid)).toEqual(before);
        expect(await figures(uuid)).toEqual(before);
      }
      expect((await figures(uuid))?.counts.delivered).toBeGreaterThan(50);
    },
  );

  it("of a lane that is new are nothing", async () => {
    receiver();
    const { uuid } = await makeListener();
    const none = { attempts: 0, success_rate: null, p50_ms: null, p95_ms: null, p99_ms: null };
    expect(await figures(uuid)).toEqual({
      state: "active",
      disabledReason: null,
      counts: { pending: 0, delivered: 0, failed: 0, dead: 0 },
      backlog: 0,
      oldestPendingAt: null,
      nextAttemptAt: null,
      lastHour: none,
      lastDay: none,
    });
  });

  it("tell the last hour from the last day, and forget both", async () => {
    receiver((_, index) => {
      passTime(index < 100 ? 100 : 2000);
      return index % 4 === 3 ? failed() : new Response();
    });
    const { uuid } = await makeListener({ retry: { max_attempts: 1 } });
    for (let batch = 0; batch < 10; batch++) {
      await hand(uuid, times(10));
      await live(uuid, 10_000);
    }
    await live(uuid, 3 * hourMs);
    await hand(uuid, times(20));
    await live(uuid, 60_000);
    const found = await figures(uuid);
    expect(found?.lastHour).toMatchObject({ attempts: 20, success_rate: 0.75, p50_ms: 2048 });
    expect(found?.lastDay).toMatchObject({ attempts: 120, success_rate: 0.75 });
    expect(found?.lastDay.p50_ms).toBeGreaterThan(80);
    expect(found?.lastDay.p50_ms).toBeLessThan(120);
    expect(found?.lastDay.p99_ms).toBe(2048);
    await live(uuid, 26 * hourMs);
    expect(await figures(uuid)).toMatchObject({ lastHour: { attempts: 0 }, lastDay: { attempts: 0 } });
  });

  it("name the oldest that waits and when it is tried next", async () => {
    receiver((_, index) => (index === 1 ? failed() : new Response()));
    const { uuid } = await makeListener();
    await hand(uuid, times(1));
    passTime(hourMs);
    await hand(uuid, times(1));
    await settle(uuid);
    const { acceptedAt, nextAttemptAt } = (await laneOf(uuid).delivery(2)) ?? {};
    passTime(1000);
    await hand(uuid, times(3));
    expect(await figures(uuid)).toMatchObject({
      backlog: 4,
      counts: { pending: 3, failed: 1, delivered: 1, dead: 0 },
      oldestPendingAt: acceptedAt,
      nextAttemptAt,
    });
  });
});
