import { describe, expect, it } from "vitest";
import type { Ordering } from "../../src/lane/handover";
import type { PendingDelivery } from "../../src/lane/pending-deliveries";
import {
  afterFailure,
  afterSuccess,
  healthy,
  type ReceiverHealth,
  withClockAt,
} from "../../src/lane/receiver-health";
import { longestDelayMs, retryDelayMs } from "../../src/lane/retry-policy";
import type { Backoff } from "../../src/lane/partitions";
import { type ReadyDelivery, Schedule, widthOf } from "../../src/lane/schedule";

const orderings: Ordering[] = ["strict", "keyed", "none"];
/** No jitter. */
const random = 0.5;

/** What arrives when, in ms, in the partition of which key. */
type Arrival = { at: number; key: string };
type Sent = Arrival & { sequence: number; sentAt: number };

type Answer = { isOk: boolean; tookMs?: number; askedMs?: number };

type World = {
  ordering: Ordering;
  arrivals: Arrival[];
  /** How a request that begins at `at` ends, and how long it takes. */
  answer: (key: string, at: number) => Answer;
  untilMs: number;
  /** Whether the lane forgets all that is only in memory, as often as it rests. */
  evicts?: boolean;
};

/** Runs a schedule against a receiver, in simulated time. @returns every request, in order. */
function simulate({ ordering, arrivals, answer, untilMs, evicts = false }: World): Sent[] {
  const rows = new Map<number, { key: string; attempts: number; nextAttemptAt: number | null }>();
  const ends: { at: number; run: () => void }[] = [];
  const sent: Sent[] = [];
  const backoffs = new Map<string, Backoff>();
  let health: ReceiverHealth = healthy;
  let schedule = new Schedule({ ordering, lowWater: 1, backoffs });
  let last = 0;
  const pending = [...arrivals].toSorted((a, b) => a.at - b.at);
  const arriving = pending.map(({ at }) => at);

  const settle = (ready: ReadyDelivery, startedAt: number, now: number): void => {
    const row = rows.get(ready.sequence);
    if (row === undefined) throw new Error("What is not there was sent.");
    const { isOk, askedMs = null } = answer(row.key, startedAt);
    row.attempts += 1;
    if (isOk) {
      rows.delete(ready.sequence);
      health = afterSuccess(health, startedAt);
      schedule.settle(ready.sequence, { kind: "delivered" });
      return;
    }
    const failures = ready.earlierFailures + row.attempts;
    const notBefore = now + Math.max(retryDelayMs(failures, random), askedMs ?? 0);
    row.nextAttemptAt = notBefore;
    schedule.settle(ready.sequence, { kind: "failed", notBefore, failures });
    const failure = { partition: ready.partition, partitionFailures: failures, probe: ready.probe };
    health = afterFailure(health, { ...failure, askedDelayMs: askedMs, lastSequence: last, now, random });
  };

  for (let now = 0; now <= untilMs;) {
    while (pending[0] !== undefined && pending[0].at <= now) {
      const { key } = pending.shift() ?? { key: "" };
      last += 1;
      rows.set(last, { key, attempts: 0, nextAttemptAt: null });
      schedule.add([{ sequence: last, orderingKey: key, attempts: 0, nextAttemptAt: null }], last);
    }
    for (const one of ends.splice(0).toSorted((a, b) => a.at - b.at)) {
      if (one.at <= now) one.run();
      else ends.push(one);
    }
    for (;;) {
      const ready = schedule.take({ now, health, random });
      if (ready === null) break;
      const startedAt = now;
      const row = rows.get(ready.sequence);
      const arrivedAt = arriving[ready.sequence - 1] ?? 0;
      sent.push({ sequence: ready.sequence, key: row?.key ?? "", at: arrivedAt, sentAt: now });
      const endsAt = now + (answer(row?.key ?? "", now).tookMs ?? 10);
      ends.push({ at: endsAt, run: () => settle(ready, startedAt, endsAt) });
    }
    if (evicts && ends.length === 0) {
      schedule = new Schedule({ ordering, lowWater: 1, backoffs });
      const found = [...rows].map(([sequence, { key, attempts, nextAttemptAt }]) => ({
        sequence,
        orderingKey: key,
        attempts,
        nextAttemptAt,
      }));
      schedule.add(found, last);
    }
    const times = [
      pending[0]?.at ?? Infinity,
      ...ends.map(({ at }) => at),
      schedule.nextAt({ now, health }, false) ?? Infinity,
    ].filter((at) => at > now);
    now = Math.min(...times);
  }
  return sent;
}

const keys = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix} ${index}`);
const atOnce = (all: string[], at = 0): Arrival[] => all.map((key) => ({ at, key }));
const everySecond = (count: number, from: number, key: (index: number) => string): Arrival[] =>
  Array.from({ length: count }, (_, index) => ({ at: from + index * 1000, key: key(index) }));

const backAfter100s = (_: string, at: number): Answer => ({ isOk: at > 100_000 });
const answer = (key: string): Answer => ({ isOk: key.startsWith("well") });
const hanging = (key: string): Answer => ({ ...answer(key), tookMs: key.startsWith("well") ? 10 : 15_000 });
const asking = (): Answer => ({ isOk: false, askedMs: 600_000 });
const failing = (count: number): Arrival[] => atOnce(keys(count, "bad"));
const found = (sequence: number, orderingKey: string): PendingDelivery => ({
  sequence,
  orderingKey,
  attempts: 0,
  nextAttemptAt: null,
});

describe("a receiver that is down", () => {
  it("gets the same few requests in every ordering, however many wait, whatever is forgotten", () => {
    const found: Record<string, number> = {};
    for (const ordering of orderings) {
      for (const [name, arrivals] of Object.entries({
        "300 at once": atOnce(keys(300, "job")),
        "3 at once": atOnce(keys(3, "job")),
        "one a second": everySecond(240, 0, (index) => `job ${index}`),
      })) {
        for (const evicts of [false, true]) {
          const world = { ordering, arrivals, evicts, answer: () => ({ isOk: false }), untilMs: 240_000 };
          found[`${ordering}, ${name}${evicts ? ", evicted" : ""}`] = simulate(world).length;
        }
      }
    }
    for (const [name, requests] of Object.entries(found)) {
      expect(requests, name).toBeGreaterThanOrEqual(7);
      expect(requests, name).toBeLessThanOrEqual(name.startsWith("strict") ? 7 : 12);
    }
  });

  it("gets one request an hour after a day, in every ordering", () => {
    for (const ordering of orderings) {
      const day = 86_400_000;
      const arrivals = atOnce(keys(300, "job"));
      const sent = simulate({ ordering, arrivals, answer: () => ({ isOk: false }), untilMs: 2 * day });
      const inSecondDay = sent.filter(({ sentAt }) => sentAt > day).length;
      expect(inSecondDay, ordering).toBeGreaterThanOrEqual(20);
      expect(inSecondDay, ordering).toBeLessThanOrEqual(25);
    }
  });

  it("that comes back gets all that waits, soon after the next probe", () => {
    for (const ordering of orderings) {
      const arrivals = atOnce(keys(100, "job"));
      const sent = simulate({ ordering, arrivals, answer: backAfter100s, untilMs: 300_000 });
      const delivered = sent.filter(({ sentAt }) => sentAt > 100_000);
      expect(delivered, ordering).toHaveLength(100);
      const [first, lastOne] = [delivered[0]?.sentAt ?? 0, delivered.at(-1)?.sentAt ?? Infinity];
      expect(lastOne - first, ordering).toBeLessThan(5000);
    }
  });
});

/** How long each healthy delivery waited, at most, in ms; with how many there were. */
function healthyWaits(sent: Sent[]): { count: number; longestMs: number } {
  const first = new Map<number, number>();
  for (const { key, sequence, at, sentAt } of sent) {
    if (key.startsWith("well") && !first.has(sequence)) first.set(sequence, sentAt - at);
  }
  return { count: first.size, longestMs: Math.max(...first.values()) };
}

describe("keys that fail", () => {
  it.each([
    ["10 of them, and 90 healthy events of a key of their own each, from 3 s on", 10, 3000, false],
    ["3 of them", 3, 3000, false],
    ["200 of them", 200, 3000, false],
    ["10 of them, and healthy ones only after 10 minutes", 10, 600_000, false],
    ["10 of them, and healthy ones only after a day", 10, 86_400_000, true],
  ])("hold up only themselves: %s", (_, count, from, evicts) => {
    for (const ordering of ["keyed", "none"] as const) {
      const healthyOnes = everySecond(90, from, (index) => `well ${index}`);
      const arrivals = [...failing(count), ...healthyOnes];
      const sent = simulate({ ordering, arrivals, answer, evicts, untilMs: from + 120_000 });
      const { count: arrived, longestMs } = healthyWaits(sent);
      expect(arrived, ordering).toBe(90);
      expect(longestMs, ordering).toBeLessThanOrEqual(1000);
    }
  });

  it("in front of many healthy ones that came with them delay those by seconds", () => {
    const arrivals = [...failing(10), ...atOnce(keys(90, "well"))];
    for (const ordering of ["keyed", "none"] as const) {
      const { count, longestMs } = healthyWaits(simulate({ ordering, arrivals, answer, untilMs: 120_000 }));
      expect(count, ordering).toBe(90);
      expect(longestMs, ordering).toBeLessThanOrEqual(15_000);
    }
  });

  it("keep their own back-off while others are delivered", () => {
    const arrivals = [...failing(10), ...everySecond(300, 3000, (index) => `well ${index}`)];
    const sent = simulate({ ordering: "keyed", arrivals, answer, untilMs: 300_000 });
    for (const key of keys(10, "bad")) {
      const times = sent.filter((one) => one.key === key).map(({ sentAt }) => sentAt);
      const waits = times.slice(1).map((at, index) => at - (times[index] ?? 0));
      expect(waits.length, key).toBeGreaterThanOrEqual(6);
      for (const [index, wait] of waits.entries()) {
        expect(wait, key).toBeGreaterThanOrEqual(2 ** (index + 1) * 1000);
        // A second later at most, for the next healthy one to say that the receiver is not down; and 10 ms for each answer.
        expect(wait, key).toBeLessThanOrEqual(2 ** (index + 1) * 1000 + 2500);
      }
    }
  });

  it("by hanging leave room for others", () => {
    const arrivals = [...failing(4), ...everySecond(90, 1000, (index) => `well ${index}`)];
    for (const ordering of ["keyed", "none"] as const) {
      const sent = simulate({ ordering, arrivals, answer: hanging, untilMs: 120_000 });
      expect(healthyWaits(sent).longestMs, ordering).toBeLessThanOrEqual(1000);
    }
  });
});

describe("Retry-After", () => {
  it("holds for the whole webhook, in every ordering, over evictions", () => {
    for (const ordering of orderings) {
      for (const evicts of [false, true]) {
        const arrivals = everySecond(100, 0, (index) => `job ${index}`);
        const sent = simulate({ ordering, arrivals, answer: asking, evicts, untilMs: 599_000 });
        expect(sent, ordering).toHaveLength(1);
      }
    }
  });

  it("is not taken back by an attempt that was under way and succeeds", () => {
    const asked = afterFailure(healthy, {
      partition: "a",
      partitionFailures: 1,
      probe: null,
      askedDelayMs: 60_000,
      lastSequence: 2,
      now: 1000,
      random,
    });
    expect(afterSuccess(asked, 900).asked).toEqual({ at: 1000, until: 61_000 });
    expect(afterSuccess(asked, 70_000)).toEqual(healthy);
  });
});

describe("a clock that goes back", () => {
  it("makes no wait longer than it was", () => {
    let health: ReceiverHealth = healthy;
    const failure = { partitionFailures: 3, probe: null, askedDelayMs: 600_000, lastSequence: 9, random };
    for (const partition of ["a", "b", "c", "d", "e"]) {
      health = afterFailure(health, { ...failure, partition, now: 90_000_000 });
    }
    const { down, asked } = withClockAt(health, 1_000_000);
    expect(down?.retry.notBefore).toBe(1_008_000);
    expect(asked?.until).toBe(1_600_000);
    expect(withClockAt(health, 90_000_001)).toBe(health);
    expect((asked?.until ?? 0) - 1_000_000).toBeLessThanOrEqual(longestDelayMs);
  });
});

describe("a schedule", () => {
  it("that has looked at nothing yet is due when its receiver may be probed, and not before", () => {
    let health: ReceiverHealth = healthy;
    const failure = {
      partitionFailures: 3,
      probe: null,
      askedDelayMs: null,
      lastSequence: 9,
      now: 1000,
      random,
    };
    for (const partition of ["a", "b", "c", "d", "e"]) {
      health = afterFailure(health, { ...failure, partition });
    }
    // A fresh one may go at once, so that it is looked for; after one that failed, too, nothing is.
    for (const probe of ["fresh", "retry"] as const) {
      health = afterFailure(health, { ...failure, partition: "f", probe });
    }
    for (const ordering of ["keyed", "none"] as const) {
      const schedule = new Schedule({ ordering, lowWater: 1, backoffs: new Map() });
      const at = schedule.nextAt({ now: 1000, health }, true) ?? 0;
      expect(at, ordering).toBe(3000);
      expect(schedule.wantsMore({ now: at - 1, health }), ordering).toBe(false);
      expect(schedule.wantsMore({ now: at, health }), ordering).toBe(true);
    }
  });

  const now = { now: 1000, health: healthy, random };

  it("has one of each key under way at a time, and as many as its ordering allows", () => {
    for (const ordering of orderings) {
      const schedule = new Schedule({ ordering, lowWater: 1, backoffs: new Map() });
      schedule.add(
        ["a", "a", "b", "b", "c", "d", "e", "f"].map((key, index) => found(index + 1, key)),
        8,
      );
      const taken: number[] = [];
      for (let one = schedule.take(now); one !== null; one = schedule.take(now)) taken.push(one.sequence);
      expect(taken).toEqual({ strict: [1], keyed: [1, 3, 5, 6, 7], none: [1, 2, 3, 4, 5] }[ordering]);
      expect(taken.length).toBe(widthOf[ordering]);
    }
  });

  it("of another ordering lets go at once what may, beside what is under way", () => {
    const strict = new Schedule({ ordering: "strict", lowWater: 1, backoffs: new Map() });
    const all = ["a", "a", "b"].map((key, index) => found(index + 1, key));
    const orderingKeyOf = (sequence: number): string => all[sequence - 1]?.orderingKey ?? "";
    const after = (schedule: Schedule, ordering: Ordering): Schedule => {
      const before = { schedule, orderingKeyOf };
      const next = new Schedule({ ordering, lowWater: 1, backoffs: new Map(), before });
      next.add(all, 3);
      return next;
    };
    strict.add(all, 3);
    expect(strict.take(now)?.sequence).toBe(1);
    const keyed = after(strict, "keyed");
    expect(keyed.take(now)?.sequence).toBe(3);
    expect(keyed.take(now)).toBeNull();
    const again = after(keyed, "strict");
    expect(again.take(now)).toBeNull();
    again.settle(3, { kind: "delivered" });
    expect(again.take(now)).toBeNull();
    again.settle(1, { kind: "delivered" });
    expect(again.take(now)?.sequence).toBe(2);
  });
});

describe("while the receiver is down, and deliveries wait that were not looked at,", () => {
  const down: ReceiverHealth = {
    ...healthy,
    failures: 6,
    seenUpTo: 1,
    down: {
      since: 0,
      retry: { failures: 12, notBefore: 3_600_000 },
      fresh: { failures: 1, notBefore: 2000 },
    },
  };
  const failing = { sequence: 1, orderingKey: "a", attempts: 12, nextAttemptAt: 3_600_000 };
  const fresh = { sequence: 2, orderingKey: "b", attempts: 0, nextAttemptAt: null };
  const scheduleOf = (ordering: Ordering): Schedule => {
    const schedule = new Schedule({ ordering, lowWater: 1, backoffs: new Map() });
    schedule.add([failing], 1);
    return schedule;
  };

  it.each(["keyed", "none"] as const)(
    "in %s ordering, they are looked for at the next fresh probe",
    (ordering) => {
      const schedule = scheduleOf(ordering);
      expect(schedule.nextAt({ now: 1000, health: down }, true)).toBe(2000);
      expect(schedule.nextAt({ now: 2000, health: down }, true)).toBe(0);
      const asked = { at: 0, until: 5000 };
      expect(schedule.nextAt({ now: 2000, health: { ...down, asked } }, true)).toBe(5000);
      schedule.add([fresh], 2);
      expect(schedule.take({ now: 2000, health: down, random })).toMatchObject({
        sequence: 2,
        probe: "fresh",
      });
    },
  );

  it.each(["keyed", "none", "strict"] as const)(
    "in %s ordering, nothing is, when there is nothing",
    (ordering) => {
      expect(scheduleOf(ordering).nextAt({ now: 1000, health: down }, false)).toBe(3_600_000);
    },
  );

  it("in strict ordering, the head holds up all of them", () => {
    expect(scheduleOf("strict").nextAt({ now: 2000, health: down }, true)).toBe(3_600_000);
  });
});
