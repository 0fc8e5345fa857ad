import { abortAllDurableObjects, evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, notifications } from "../api";
import { passTime, stopClock } from "../clock";
import { getDelivery, listDeliveries } from "../deliveries";
import { makeEvent, makeListener } from "../event";
import { alarmOf, laneOf, setAlarmOf } from "../lane";
import { type Answering, receiver, type Received } from "../receiver";
import { countRows, fill, rowsRead, size } from "./lane-rows";
import { change, hand, live, range, sequencesOf, settle, times, withoutJitter } from "./lane-traffic";

const minuteMs = 60_000;
/** Of a service without a pace of its own: the clock stands still while the lane would wait for it. */
const chatUrl = "https://acme.cloud.mattermost.com/hooks/x";

beforeEach(() => {
  stopClock();
  withoutJitter();
});

type Begun = { uuid: string; received: Received[] };

/** A webhook of a chat service with a digest of a minute, and so many events that were just accepted. */
async function begin(
  answer: Answering,
  events: number,
  changes: Record<string, unknown> = {},
): Promise<Begun> {
  const { received } = receiver(answer);
  const { uuid } = await makeListener({ url: chatUrl, digest_s: 60, ...changes });
  await hand(uuid, times(events));
  return { uuid, received };
}

const ok = (): Response => new Response("ok");
const failed = (): Response => new Response(null, { status: 500 });

/** What a message says first. */
function titlesOf(received: readonly Received[]): string[] {
  return received.map(({ body }) => (JSON.parse(body) as { text: string }).text);
}

/** Each delivery's status, attempts and carrier, oldest first. */
async function logOf(uuid: string): Promise<[status: string, attempts: number, carriedBy: number | null][]> {
  const { deliveries } = await laneOf(uuid).deliveries({ limit: 200 });
  return deliveries
    .toReversed()
    .map(({ status, attempts, carriedBy }): [string, number, number | null] => [status, attempts, carriedBy]);
}

async function figures(uuid: string): Promise<unknown> {
  const stats = await laneOf(uuid).stats();
  return stats && { ...stats.counts, backlog: stats.backlog, attempts: stats.lastDay.attempts };
}

/** What must hold after everything: the counters are what the rows say. */
async function expectExactCounts(uuid: string, expected: Record<string, number>): Promise<void> {
  expect(await figures(uuid)).toMatchObject(expected);
  await evictDurableObject(laneOf(uuid));
  expect(await figures(uuid), "after an eviction").toMatchObject(expected);
  await laneOf(uuid).maintain();
  expect(await figures(uuid), "after a look through the rows").toMatchObject(expected);
}

describe("with a digest", () => {
  it("what piles up in its time becomes one message, and stays a delivery each", async () => {
    const { uuid, received } = await begin(ok, 1);
    await live(uuid, 30_000);
    await hand(uuid, times(2));
    await live(uuid, 29_000);
    expect(received).toHaveLength(0);
    expect((await laneOf(uuid).stats())?.nextAttemptAt).toBe(Date.now() + 1000);
    await live(uuid, 1000);
    expect(titlesOf(received)).toEqual(["ℹ️ 3 projects were created"]);
    expect(sequencesOf(received)).toEqual([1]);
    expect(await logOf(uuid)).toEqual([
      ["delivered", 1, null],
      ["delivered", 0, 1],
      ["delivered", 0, 1],
    ]);
    await expectExactCounts(uuid, {
      pending: 0,
      delivered: 3,
      failed: 0,
      dead: 0,
      backlog: 0,
      attempts: 1,
    });
    // The next one has a time of its own.
    await hand(uuid, times(1));
    await live(uuid, 59_000);
    expect(received).toHaveLength(1);
    await live(uuid, 1000);
    expect(titlesOf(received)[1]).toBe("ℹ️ A project was created");
    expect(await alarmOf(uuid)).toBe(null);
  });

  it("the API and the log show what carried it, and what it carried", async () => {
    const { uuid, received } = await begin(ok, 3);
    await live(uuid, minuteMs);
    const { body: listed } = await listDeliveries(uuid);
    const [last, , head] = listed.deliveries;
    expect(listed.deliveries.map((one) => Reflect.get(one, "carried_by"))).toEqual([
      head?.uuid,
      head?.uuid,
      null,
    ]);
    const { body } = await getDelivery(uuid, head?.uuid ?? "");
    expect(Reflect.get(body, "carries")).toEqual([listed.deliveries[1]?.uuid, last?.uuid]);
    expect(body.request?.body).toBe(received[0]?.body);
    expect((await getDelivery(uuid, last?.uuid ?? "")).body).toMatchObject({
      carried_by: head?.uuid,
      carries: [],
      request: null,
      attempts: [],
      status: "delivered",
    });
  });

  it("a message that failed is sent again as it was, also after a restart, and what came since goes in the next one", async () => {
    const { uuid, received } = await begin((_, index) => (index < 3 ? failed() : ok()), 3);
    await live(uuid, minuteMs);
    expect(received).toHaveLength(1);
    expect(await logOf(uuid)).toEqual([
      ["failed", 1, null],
      ["pending", 0, 1],
      ["pending", 0, 1],
    ]);
    await hand(uuid, times(2));
    await evictDurableObject(laneOf(uuid));
    await live(uuid, 3000);
    await abortAllDurableObjects();
    await live(uuid, 10 * minuteMs);
    const ids = received.map(({ headers }) => headers.get("webhook-id"));
    expect(new Set(ids.slice(0, 4)).size).toBe(1);
    expect(new Set(received.slice(0, 4).map(({ body }) => body)).size).toBe(1);
    expect(sequencesOf(received)).toEqual([1, 1, 1, 1, 4]);
    expect(titlesOf(received)[4]).toBe("ℹ️ 2 projects were created");
    await expectExactCounts(uuid, { delivered: 5, failed: 0, backlog: 0, attempts: 5 });
  });

  it("all that a message carried is given up with it, and can be sent again, each alone", async () => {
    const { uuid, received } = await begin((_, index) => (index < 2 ? failed() : ok()), 3, {
      retry: { max_attempts: 2 },
    });
    await live(uuid, 10 * minuteMs);
    expect(await logOf(uuid)).toEqual([
      ["dead", 2, null],
      ["dead", 0, 1],
      ["dead", 0, 1],
    ]);
    await expectExactCounts(uuid, { delivered: 0, dead: 3, backlog: 0, attempts: 2 });
    const { body } = await api<{ deliveries: { last_error: string }[] }>(
      "GET",
      `${notifications}/subscribers/${uuid}/deliveries?status=dead`,
    );
    expect(body.deliveries.map(({ last_error: error }) => error)).toEqual(times(3, "http_5xx"));
    await laneOf(uuid).replayDead();
    await live(uuid, minuteMs);
    expect(sequencesOf(received).slice(2)).toEqual([1, 2, 3]);
    expect(new Set(titlesOf(received).slice(2))).toEqual(new Set(["ℹ️ A project was created"]));
    expect(await logOf(uuid)).toEqual([
      ["delivered", 3, null],
      ["delivered", 1, 1],
      ["delivered", 1, 1],
    ]);
    await expectExactCounts(uuid, { delivered: 3, dead: 0, backlog: 0, attempts: 5 });
    // The log shows what was sent last: of the head, the message of itself only.
    expect((await laneOf(uuid).delivery(1))?.body).toBe(received[2]?.body);
    expect((await laneOf(uuid).delivery(1))?.carries).toEqual([]);
  });

  it("what is given up by hand is left out of the next attempt", async () => {
    const { uuid, received } = await begin((_, index) => (index === 0 ? failed() : ok()), 4);
    await live(uuid, minuteMs);
    expect(await laneOf(uuid).skip(3)).toBe("done");
    await live(uuid, minuteMs);
    expect(titlesOf(received)).toEqual(["ℹ️ 4 projects were created", "ℹ️ 3 projects were created"]);
    expect(await logOf(uuid)).toEqual([
      ["delivered", 2, null],
      ["delivered", 0, 1],
      ["dead", 0, null],
      ["delivered", 0, 1],
    ]);
    await expectExactCounts(uuid, { delivered: 3, dead: 1, backlog: 0 });
  });

  it("when its head is given up by hand, what is behind it makes a message of its own at once", async () => {
    const { uuid, received } = await begin((_, index) => (index === 0 ? failed() : ok()), 3);
    await live(uuid, minuteMs);
    expect(await laneOf(uuid).skip(1)).toBe("done");
    await settle(uuid);
    expect(titlesOf(received)).toEqual(["ℹ️ 3 projects were created", "ℹ️ 2 projects were created"]);
    expect(await logOf(uuid)).toEqual([
      ["dead", 1, null],
      ["delivered", 1, null],
      ["delivered", 0, 2],
    ]);
    await expectExactCounts(uuid, { delivered: 2, dead: 1, backlog: 0 });
  });

  it.each([
    ["delivered", ok, ["delivered", "delivered", "delivered"], 0],
    ["not delivered", failed, ["dead", "dead", "pending"], 1],
  ])("what is given up while it is under way and %s stays right", async (_, answer, statuses, backlog) => {
    const begun: (() => Promise<void>)[] = [];
    const { uuid, received } = await begin(async (__, index) => {
      if (index > 0) return failed();
      for (const one of begun) await one();
      return answer();
    }, 3);
    begun.push(async () => {
      expect(await laneOf(uuid).skip(1)).toBe("done");
      expect(await laneOf(uuid).skip(2)).toBe("done");
      await laneOf(uuid).pause();
    });
    await live(uuid, minuteMs);
    expect(received).toHaveLength(1);
    expect((await logOf(uuid)).map(([status]) => status)).toEqual(statuses);
    const dead = statuses.filter((status) => status === "dead").length;
    await expectExactCounts(uuid, { dead, backlog, delivered: 3 - dead - backlog });
  });

  it("the head can be sent before its time, and one behind it cannot", async () => {
    const { uuid, received } = await begin(ok, 2);
    expect(await laneOf(uuid).redeliver(2)).toBe("behind");
    expect(await laneOf(uuid).redeliver(1)).toBe("done");
    await settle(uuid);
    expect(titlesOf(received)).toEqual(["ℹ️ 2 projects were created"]);
    // What is finished goes alone, whatever waits.
    await hand(uuid, times(2));
    expect(await laneOf(uuid).redeliver(2)).toBe("done");
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 2]);
    expect(titlesOf(received)[1]).toBe("ℹ️ A project was created");
    expect((await logOf(uuid))[1]).toEqual(["delivered", 1, 1]);
    await expectExactCounts(uuid, { delivered: 2, pending: 2, backlog: 2 });
  });

  it("a paused webhook makes one message of what came meanwhile", async () => {
    const { uuid, received } = await begin(ok, 2);
    await laneOf(uuid).pause();
    await live(uuid, 10 * minuteMs);
    await hand(uuid, times(3));
    expect(received).toHaveLength(0);
    await laneOf(uuid).resume();
    await settle(uuid);
    expect(titlesOf(received)).toEqual(["ℹ️ 5 projects were created"]);
  });

  it("a webhook that the service disabled keeps all of them, and sends them in the same message", async () => {
    const { uuid, received } = await begin(
      (_, index) => (index === 0 ? new Response(null, { status: 410 }) : ok()),
      2,
    );
    await live(uuid, minuteMs);
    expect(await laneOf(uuid).stats()).toMatchObject({ state: "disabled", backlog: 2 });
    await live(uuid, minuteMs);
    await laneOf(uuid).resume();
    await settle(uuid);
    expect(titlesOf(received)).toEqual(times(2, "ℹ️ 2 projects were created"));
    await expectExactCounts(uuid, { delivered: 2, backlog: 0 });
  });

  it("a changed time holds at once, and without one each goes alone, also what had failed together", async () => {
    const { uuid, received } = await begin((_, index) => (index === 0 ? failed() : ok()), 2);
    await change(uuid, { digest_s: 10 });
    await live(uuid, 9000);
    expect(received).toHaveLength(0);
    await live(uuid, 1000);
    expect(received).toHaveLength(1);
    await change(uuid, { digest_s: 0 });
    await live(uuid, minuteMs);
    expect(sequencesOf(received)).toEqual([1, 1, 2]);
    expect(titlesOf(received)[1]).toBe("ℹ️ A project was created");
    expect(await logOf(uuid)).toEqual([
      ["delivered", 2, null],
      ["delivered", 1, null],
    ]);
    await expectExactCounts(uuid, { delivered: 2, backlog: 0, attempts: 3 });
  });

  it("nothing goes beside a message that carries it, whatever the ordering is set to meanwhile", async () => {
    const begun: (() => Promise<void>)[] = [];
    const { uuid, received } = await begin(async () => {
      for (const one of begun.splice(0)) await one();
      return ok();
    }, 3);
    begun.push(async () => {
      await change(uuid, { digest_s: 0, ordering: "none" });
      expect((await laneOf(uuid).stats())?.backlog).toBe(3);
    });
    await live(uuid, 2 * minuteMs);
    expect(received).toHaveLength(1);
    await expectExactCounts(uuid, { delivered: 3, backlog: 0, attempts: 1 });
  });

  it("nothing is recorded of a message whose webhook was deleted meanwhile", async () => {
    const gate = Promise.withResolvers<Response>();
    const { uuid, received } = await begin(() => gate.promise, 2);
    passTime(minuteMs);
    const alarm = settle(uuid);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await api("DELETE", `${notifications}/subscribers/${uuid}`);
    gate.resolve(ok());
    await alarm;
    expect(await laneOf(uuid).stats()).toBe(null);
  });

  it("a message carries 100 deliveries at most, and what a crash cut off is sent as it was", async () => {
    const gate = Promise.withResolvers<Response>();
    const { uuid, received } = await begin((_, index) => (index === 0 ? gate.promise : ok()), 120);
    passTime(minuteMs);
    const alarm = settle(uuid).catch(() => null);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await abortAllDurableObjects();
    gate.resolve(ok());
    await alarm;
    await hand(uuid, times(1));
    await setAlarmOf(uuid, Date.now());
    await live(uuid, 2 * minuteMs);
    expect(sequencesOf(received)).toEqual([1, 1, 101]);
    expect(received[1]?.body).toBe(received[0]?.body);
    expect(titlesOf(received)[0]).toBe("ℹ️ 100 projects were created");
    await expectExactCounts(uuid, { delivered: 121, backlog: 0, attempts: 2 });
  });

  it("of large events it carries a megabyte", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ url: chatUrl, digest_s: 60 });
    const filler = "x".repeat(100_000);
    const { status } = await api(
      "POST",
      "/api/events",
      range(1, 6).map(() => makeEvent({ filler })),
    );
    expect(status).toBe(202);
    await api(
      "POST",
      "/api/events",
      range(1, 6).map(() => makeEvent({ filler })),
    );
    await live(uuid, minuteMs);
    expect(titlesOf(received)[0]).toBe("ℹ️ 9 projects were created");
    expect(titlesOf(received)[1]).toBe("ℹ️ 3 projects were created");
  });

  it("a clock that goes back keeps nothing for longer", async () => {
    const { uuid, received } = await begin(ok, 2);
    passTime(-10 * minuteMs);
    await settle(uuid);
    expect(received).toHaveLength(1);
  });

  it(`a message reads a bounded number of rows while ${size} deliveries wait`, async () => {
    const { uuid, received } = await begin((_, index) => (index < 4 ? ok() : failed()), 1);
    await live(uuid, minuteMs);
    await fill(uuid, { status: "0", attempts: "0", line: "'x'", acceptedAt: String(Date.now()) });
    passTime(minuteMs);
    await setAlarmOf(uuid, Date.now());
    const read = await rowsRead(uuid, async () => settle(uuid));
    expect(received).toHaveLength(5);
    // What wakes a lane looks at up to 1,000 rows to count them, and up to 1,000 to find what waits.
    // oxlint-disable-next-line no-console -- what messages cost
    console.log(`rows read by a lane that wakes and makes 4 messages: ${read}`);
    expect(read).toBeLessThan(10_000);
  });

  it("writes at most 3 rows for each delivery, alarms and pruning included", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ url: chatUrl, digest_s: 60 });
    const rows = await countRows(uuid);
    for (let time = 0; time < 30; time++) {
      await hand(uuid, times(2));
      passTime(30_000);
      await hand(uuid, times(1));
      passTime(30_000);
      await settle(uuid);
    }
    expect(received).toHaveLength(30);
    passTime(31 * 86_400_000);
    await laneOf(uuid).maintain();
    await settle(uuid);
    expect(await laneOf(uuid).deliveries({ limit: 1 })).toEqual({ deliveries: [], next: null });
    expect(rows() / 90).toBeLessThanOrEqual(3);
    expect(rows() / 90).toBeGreaterThan(2);
  });
});
