import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { LoggedDelivery } from "../../src/lane/delivery-log";
import { passTime, stopClock } from "../clock";
import { makeListener } from "../event";
import { alarmOf, configOf, laneOf, runAlarm, setAlarmOf } from "../lane";
import { type Answering, receiver, type Received } from "../receiver";
import { change, hand, live, runUntil, sequencesOf, settle, times, withoutJitter } from "./lane-traffic";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

beforeEach(() => {
  stopClock();
  withoutJitter();
});

const failed = (status = 500): Response => new Response(null, { status });

type Begun = {
  uuid: string;
  received: Received[];
  /** When each request came, in ms. */
  at: number[];
};

/** A webhook whose receiver answers so, with deliveries of which the first has been tried. */
async function begin(
  answer: Answering,
  { changes = {}, events = 1 }: { changes?: Record<string, unknown>; events?: number } = {},
): Promise<Begun> {
  const at: number[] = [];
  const { received } = receiver((request, index) => {
    at.push(Date.now());
    return answer(request, index);
  });
  const { uuid } = await makeListener(changes);
  await hand(uuid, times(events));
  await settle(uuid);
  return { uuid, received, at };
}

async function delivery(uuid: string, sequence = 1): Promise<LoggedDelivery | null> {
  return laneOf(uuid).delivery(sequence);
}

/** How long after an attempt the next one may be made, in seconds. */
async function delayS(uuid: string, sequence = 1): Promise<number> {
  const at = (await delivery(uuid, sequence))?.nextAttemptAt ?? 0;
  return (at - Date.now()) / 1000;
}

describe("a delivery is given up", () => {
  it("at its first failure 3 days after its first attempt, on the curve up to an hour", async () => {
    const { uuid, at } = await begin(() => failed());
    await runUntil(uuid, Date.now() + 10 * dayMs);
    const [first = 0] = at;
    const delays = at.slice(1).map((time, index) => (time - (at[index] ?? 0)) / 1000);
    expect(delays).toEqual(delays.map((_, index) => Math.min(2 ** (index + 1), 3600)));
    expect((at.at(-1) ?? 0) - first).toBeGreaterThanOrEqual(3 * dayMs);
    expect((at.at(-2) ?? 0) - first).toBeLessThan(3 * dayMs);
    expect(await delivery(uuid)).toMatchObject({ status: "dead", nextAttemptAt: null, attempts: at.length });
  });

  it("after max_attempts, and the line moves on", async () => {
    const { uuid, received } = await begin(
      ({ headers }) => (headers.get("X-Orchest-Sequence") === "1" ? failed() : new Response()),
      {
        changes: { retry: { max_attempts: 3 } },
        events: 2,
      },
    );
    await runUntil(uuid, Date.now() + dayMs);
    expect(sequencesOf(received)).toEqual([1, 1, 1, 2]);
  });

  it("at once with max_attempts 1", async () => {
    const { uuid } = await begin(() => failed(), { changes: { retry: { max_attempts: 1 } } });
    expect(await delivery(uuid)).toMatchObject({ status: "dead", attempts: 1 });
  });

  it.each([
    ["not 1 ms before max_age_s", 59_999, "failed"],
    ["at max_age_s", 60_000, "dead"],
  ])("%s", async (_, age, status) => {
    const { uuid } = await begin(() => failed(), { changes: { retry: { max_age_s: 60 } } });
    passTime(age);
    await laneOf(uuid).redeliver(1);
    await settle(uuid);
    expect(await delivery(uuid)).toMatchObject({ status, attempts: 2 });
  });

  it("counting from its first attempt, not from its acceptance", async () => {
    let isFirst = true;
    const { uuid } = await begin(
      ({ headers }) => (headers.get("X-Orchest-Sequence") === "1" && !isFirst ? new Response() : failed()),
      { changes: { retry: { max_age_s: 7200 } }, events: 2 },
    );
    isFirst = false;
    passTime(7_000_000);
    await laneOf(uuid).redeliver(1);
    await settle(uuid);
    passTime(7_000_000);
    await laneOf(uuid).redeliver(2);
    await settle(uuid);
    expect(await delivery(uuid, 2)).toMatchObject({ status: "failed" });
  });

  it.each([400, 413, 415, 422])("after 5 attempts when it is answered %i", async (status) => {
    const { uuid } = await begin(() => failed(status));
    await runUntil(uuid, Date.now() + 10 * dayMs);
    expect(await delivery(uuid)).toMatchObject({ status: "dead", attempts: 5, lastStatus: status });
  });

  it.each([401, 403, 404, 409, 429, 500])("not after 5 attempts when it is answered %i", async (status) => {
    const { uuid } = await begin(() => failed(status));
    await runUntil(uuid, Date.now() + hourMs);
    const found = await delivery(uuid);
    expect(found?.status).toBe("failed");
    expect(found?.attempts).toBeGreaterThan(5);
  });

  it("by new settings from the next attempt on", async () => {
    const { uuid } = await begin(() => failed());
    await change(uuid, { retry: { max_attempts: 2 } });
    await runUntil(uuid, Date.now() + hourMs);
    expect(await delivery(uuid)).toMatchObject({ status: "dead", attempts: 2 });
  });
});

describe("a delivery does not age", () => {
  const changes = { retry: { max_age_s: 60 } };

  it("while its webhook is paused", async () => {
    const { uuid } = await begin(() => failed(), { changes });
    passTime(30_000);
    await laneOf(uuid).pause();
    passTime(dayMs);
    await laneOf(uuid).resume();
    await settle(uuid);
    expect(await delivery(uuid)).toMatchObject({ status: "failed" });
    passTime(29_999);
    await laneOf(uuid).redeliver(1);
    await settle(uuid);
    expect(await delivery(uuid)).toMatchObject({ status: "failed" });
    passTime(1);
    await laneOf(uuid).redeliver(1);
    await settle(uuid);
    expect(await delivery(uuid)).toMatchObject({ status: "dead" });
  });

  it("while its webhook is disabled, also across an eviction", async () => {
    const { uuid } = await begin((_, index) => failed(index === 1 ? 410 : 500), { changes });
    await live(uuid, 10_000);
    expect((await laneOf(uuid).stats())?.state).toBe("disabled");
    passTime(dayMs);
    await evictDurableObject(laneOf(uuid));
    await laneOf(uuid).resume();
    await settle(uuid);
    expect(await delivery(uuid)).toMatchObject({ status: "failed", attempts: 3 });
  });

  it("while it is sent again and its webhook is paused", async () => {
    let isDown = false;
    const { uuid } = await begin(() => (isDown ? failed() : new Response()), { changes });
    isDown = true;
    await laneOf(uuid).redeliver(1);
    await settle(uuid);
    await laneOf(uuid).pause();
    passTime(dayMs);
    await laneOf(uuid).resume();
    await settle(uuid);
    expect(await delivery(uuid)).toMatchObject({ attempts: 3, nextAttemptAt: Date.now() + 4000 });
  });
});

describe("after a delivery was given up", () => {
  const dying = { changes: { retry: { max_attempts: 3 } }, events: 3 };

  it.each([
    ["", false],
    [", across an eviction", true],
  ])("the lane's back-off stays for the next one%s", async (_, isEvicted) => {
    const { uuid, received, at } = await begin(() => failed(), dying);
    await runUntil(uuid, Date.now() + dayMs, () => received.length === 3);
    if (isEvicted) await evictDurableObject(laneOf(uuid));
    await runUntil(uuid, Date.now() + dayMs, () => received.length === 5);
    expect(sequencesOf(received)).toEqual([1, 1, 1, 2, 2]);
    const delays = at.slice(1).map((time, index) => (time - (at[index] ?? 0)) / 1000);
    expect(delays).toEqual([2, 4, 8, 16]);
  });

  it("and the next one was delivered, the back-off begins anew", async () => {
    const { uuid, received } = await begin(
      ({ headers }) => (headers.get("X-Orchest-Sequence") === "2" ? new Response() : failed()),
      dying,
    );
    await runUntil(uuid, Date.now() + dayMs, () => received.length === 5);
    expect(sequencesOf(received)).toEqual([1, 1, 1, 2, 3]);
    expect(await delayS(uuid, 3)).toBe(2);
    await evictDurableObject(laneOf(uuid));
    expect(await delayS(uuid, 3)).toBe(2);
  });

  it("and the webhook was resumed, the back-off begins anew, across an eviction, too", async () => {
    const { uuid, received } = await begin((_, index) => (index === 3 ? new Response() : failed()), dying);
    await runUntil(uuid, Date.now() + dayMs, () => received.length === 3);
    await laneOf(uuid).pause();
    await laneOf(uuid).resume();
    await settle(uuid);
    await evictDurableObject(laneOf(uuid));
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 1, 1, 2, 3]);
    expect(await delayS(uuid, 3)).toBe(2);
  });

  it("and the webhook was resumed, what is published then goes at once, across an eviction, too", async () => {
    const { uuid, received } = await begin(() => failed(), { changes: { retry: { max_attempts: 3 } } });
    await runUntil(uuid, Date.now() + dayMs, () => received.length === 3);
    await laneOf(uuid).pause();
    await laneOf(uuid).resume();
    await evictDurableObject(laneOf(uuid));
    await hand(uuid, times(1));
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 1, 1, 2]);
    expect(await delayS(uuid, 2)).toBe(2);
  });
});

describe("Retry-After", () => {
  const longAgo = "Sun, 06 Nov 1994 08:49:37 GMT";

  it("is obeyed with jitter only added, when it asks for more than the curve, up to an hour", async () => {
    for (const [value, withoutJitter, withJitter] of [
      ["120", 120, 144],
      ["12, 13", 13, 15.6],
      ["3600", 3600, 3600],
      ["7200", 3600, 3600],
      ["99999999999999999999", 3600, 3600],
      ["1", 1.6, 2.4],
      ["0", 1.6, 2.4],
      [longAgo, 1.6, 2.4],
    ] as const) {
      for (const [random, seconds] of [
        [0, withoutJitter],
        [1, withJitter],
      ] as const) {
        vi.spyOn(Math, "random").mockReturnValue(random);
        const headers = { "Retry-After": value };
        const { uuid } = await begin(() => new Response(null, { status: 503, headers }));
        expect(await delayS(uuid), `${value}, ${random}`).toBe(seconds);
      }
    }
  });

  it("is obeyed on every failure, and means nothing on a success", async () => {
    const headers = { "Retry-After": "500" };
    for (const status of [301, 400, 404, 429, 500, 502, 503]) {
      const { uuid } = await begin(() => new Response(null, { status, headers }));
      expect(await delayS(uuid), `${status}`).toBe(550);
    }
    const { uuid } = await begin(() => new Response(null, { status: 200, headers }));
    expect((await alarmOf(uuid)) ?? 0).toBeLessThan(Date.now() + 11_000);
  });

  it("holds for the whole webhook, in every ordering, over evictions, until its time has come", async () => {
    for (const ordering of ["strict", "keyed", "none"]) {
      let isAsking = true;
      const headers = { "Retry-After": "600" };
      const { received, uuid } = await begin(
        () => (isAsking ? new Response(null, { status: 429, headers }) : new Response()),
        { changes: { ordering } },
      );
      isAsking = false;
      await hand(uuid, ["a", "b", "c"]);
      await settle(uuid);
      for (let minute = 0; minute < 10; minute++) {
        await evictDurableObject(laneOf(uuid));
        await live(uuid, 60_000);
      }
      expect(received, ordering).toHaveLength(1);
      await live(uuid, 61_000);
      expect(received, ordering).toHaveLength(5);
    }
  });

  it("as an HTTP date is obeyed", async () => {
    const { uuid } = await begin(
      () =>
        new Response(null, {
          status: 503,
          headers: { "Retry-After": new Date(Date.now() + 90_000).toUTCString() },
        }),
    );
    expect(await delayS(uuid)).toBeCloseTo(99);
  });

  it.each(["soon", "", "-5", "1e3", "in 5 minutes", "2 hours", "0x10"])(
    "of %j means nothing: the curve holds",
    async (value) => {
      const { uuid } = await begin(
        () => new Response(null, { status: 429, headers: { "Retry-After": value } }),
      );
      expect(await delayS(uuid)).toBe(2);
    },
  );

  it("is obeyed by the next delivery, when this one is given up with it", async () => {
    const { uuid, received } = await begin(
      () => new Response(null, { status: 503, headers: { "Retry-After": "1000" } }),
      { changes: { retry: { max_attempts: 1 } }, events: 2 },
    );
    const since = Date.now();
    await evictDurableObject(laneOf(uuid));
    await runUntil(uuid, since + dayMs, () => received.length === 2);
    expect(Date.now() - since).toBe(1_100_000);
  });
});

it("410 disables the webhook, and keeps what waits", async () => {
  const { uuid, received } = await begin((_, index) => (index === 0 ? failed(410) : new Response()), {
    events: 3,
  });
  expect(await laneOf(uuid).stats()).toMatchObject({
    state: "disabled",
    disabledReason: "The receiver answered 410 Gone.",
    backlog: 3,
    nextAttemptAt: null,
  });
  await live(uuid, dayMs);
  expect(received).toHaveLength(1);
  await laneOf(uuid).resume();
  await settle(uuid);
  expect(sequencesOf(received)).toEqual([1, 1, 2, 3]);
});

describe("the class of a failure is", () => {
  it.each<[string, number, string | null]>([
    ["timeout", 522, null],
    ["timeout", 524, null],
    ["tls", 525, null],
    ["tls", 526, null],
    ["connection", 521, null],
    ["connection", 523, null],
    ["dns", 530, "error code: 1016"],
    ["connection", 530, "error code: 1033"],
    ["http_5xx", 530, null],
    ["http_5xx", 530, "a page of the receiver's own, with 1016 in it"],
    ["http_5xx", 500, "error code: 1016"],
    ["http_4xx", 404, null],
    ["redirect", 302, null],
  ])("%s for an answer of %i with the body %j", async (error, status, body) => {
    const { uuid } = await begin(() => new Response(body, { status }));
    expect(await delivery(uuid)).toMatchObject({ lastError: error, lastStatus: status });
  });

  it.each([
    ["connection", "Network connection lost."],
    ["connection", "internal error; reference = 0123456789abcdef"],
    ["dns", "DNS lookup failed."],
    ["tls", "TLS peer's certificate is not trusted"],
  ])("%s when no answer comes: %s", async (error, message) => {
    const { uuid } = await begin(() => {
      throw new Error(message);
    });
    expect(await delivery(uuid)).toMatchObject({ lastError: error, lastStatus: null });
  });
});

it("a failed delivery's time is that of its alarm, and a delivered one has none", async () => {
  const { uuid } = await begin((_, index) => (index === 0 ? failed() : new Response()));
  expect(await alarmOf(uuid)).toBe((await delivery(uuid))?.nextAttemptAt);
  await runAlarm(uuid);
  expect(await delivery(uuid)).toMatchObject({ status: "delivered", nextAttemptAt: null });
});

describe("a clock that goes back a day", () => {
  it.each([
    ["", false],
    [", across an eviction", true],
  ])("makes no retry wait longer than its back-off%s", async (_, isEvicted) => {
    for (const ordering of ["strict", "keyed", "none"]) {
      const { uuid, received } = await begin((__, index) => (index === 0 ? failed() : new Response()), {
        changes: { ordering },
      });
      passTime(-dayMs);
      if (isEvicted) await evictDurableObject(laneOf(uuid));
      await live(uuid, 0);
      await hand(uuid, ["another"]);
      await live(uuid, 3000);
      expect(received, ordering).toHaveLength(3);
      expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts: { delivered: 2 } });
    }
  });

  it.each([
    ["", false],
    [", across an eviction", true],
  ])("makes no delivery wait longer whose predecessor was given up%s", async (_, isEvicted) => {
    for (const ordering of ["strict", "keyed", "none"]) {
      const { uuid, received } = await begin((__, index) => (index === 0 ? failed() : new Response()), {
        changes: { ordering, retry: { max_attempts: 1 } },
        events: 2,
      });
      expect(received, ordering).toHaveLength(ordering === "none" ? 2 : 1);
      passTime(-dayMs);
      if (isEvicted) await evictDurableObject(laneOf(uuid));
      await live(uuid, 0);
      await live(uuid, 3000);
      expect(received, ordering).toHaveLength(2);
      expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts: { dead: 1, delivered: 1 } });
    }
  });

  it("leaves a replay by time everything that was accepted since, before and after it", async () => {
    const { uuid, received } = await begin(() => new Response(), { events: 3 });
    passTime(-dayMs);
    await hand(uuid, times(3));
    await settle(uuid);
    await laneOf(uuid).replay({ kind: "all", since: Date.now() - 1, until: Date.now() + 1 });
    await live(uuid, 1000);
    expect(sequencesOf(received)).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
  });
});

it("an alarm that was lost, and stands in the past, is set anew by the next call", async () => {
  const { uuid } = await begin(() => failed());
  await setAlarmOf(uuid, Date.now() - 61_000);
  await laneOf(uuid).configure(await configOf(uuid));
  expect(await alarmOf(uuid)).toBe(Date.now() + 2000);
});
