import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Circumstances, decide, retryDelayMs } from "../../src/lane/retry-policy";
import { forAll } from "../for-all";

describe("the delay before a retry", () => {
  it("is min(2^n, 3600) s after n failures, without jitter", () =>
    forAll(
      [
        [1, 2],
        [2, 4],
        [3, 8],
        [11, 2048],
        [12, 3600],
        [13, 3600],
        [100, 3600],
        [5000, 3600],
      ],
      (failures, seconds) => {
        expect(retryDelayMs(failures, 0.5)).toBe(seconds * 1000);
      },
    ));

  it("is never more than 20 % off, whatever the chance", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, random) => {
          const middle = Math.min(2 ** failures, 3600) * 1000;
          const delay = retryDelayMs(failures, random);
          expect(delay).toBeGreaterThanOrEqual(middle * 0.8);
          expect(delay).toBeLessThanOrEqual(Math.min(middle * 1.2, hourMs));
        },
      ),
    );
  });

  it("uses the whole range", () =>
    forAll(
      [
        [0, 1600],
        [1, 2400],
      ],
      (random, delay) => {
        expect(retryDelayMs(1, random)).toBe(delay);
      },
    ));
});

const now = Date.UTC(2040, 0, 1);
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The decision after a failure with a 500, the first one, with what is changed. */
function after(changes: Partial<Circumstances>): ReturnType<typeof decide> {
  return decide({
    result: { error: "http_5xx", status: 500, retryAfterMs: null },
    attempts: 1,
    ageMs: 0,
    failures: 1,
    retry: { maxAttempts: null, maxAgeS: null },
    now,
    random: 0.5,
    ...changes,
  });
}

/** The result of an attempt that was answered so. */
function answered(status: number, retryAfterMs: number | null = null): Circumstances["result"] {
  return { error: status < 500 ? "http_4xx" : "http_5xx", status, retryAfterMs };
}

describe("a failed attempt", () => {
  it("is followed by another one, after the delay", () => {
    expect(after({})).toEqual({ kind: "retry", at: now + 2000 });
  });

  it("counts on where deliveries before it were given up", () => {
    expect(after({ failures: 5 })).toEqual({ kind: "retry", at: now + 32_000 });
  });

  it("is the last one of a delivery that is 3 days old", () =>
    forAll(
      [
        [3 * dayMs - 1, "retry"],
        [3 * dayMs, "dead"],
      ],
      (ageMs, kind) => {
        expect(after({ ageMs }).kind).toBe(kind);
      },
    ));

  it("is the last one once either of its webhook's own limits is reached", () =>
    forAll(
      [
        [9, 0, "retry"],
        [10, 0, "dead"],
        [1, hourMs - 1, "retry"],
        [1, hourMs, "dead"],
      ],
      (attempts, ageMs, kind) => {
        expect(after({ attempts, ageMs, retry: { maxAttempts: 10, maxAgeS: 3600 } }).kind).toBe(kind);
      },
    ));

  it("that says that the request itself is at fault is given up after 5", () =>
    forAll([400, 413, 415, 422], (status) => {
      expect(after({ result: answered(status), attempts: 4 }).kind).toBe("retry");
      expect(after({ result: answered(status), attempts: 5 }).kind).toBe("dead");
    }));

  it("with any other status is not given up after 5", () =>
    forAll([401, 403, 404, 408, 429, 500, 503], (status) => {
      expect(after({ result: answered(status), attempts: 5 }).kind).toBe("retry");
    }));

  it("with a 410 disables the webhook", () => {
    expect(after({ result: answered(410) }).kind).toBe("disable");
  });
});

describe("Retry-After", () => {
  it("is obeyed, whatever the failure, when it asks for more than the curve, up to an hour", () =>
    forAll(
      [
        [429, 120_000, 120_000],
        [503, 120_000, 120_000],
        [500, 120_000, 120_000],
        [404, 120_000, 120_000],
        [503, 0, 1600],
        [503, 1000, 1600],
        [503, 24 * hourMs, hourMs],
      ],
      (status, asked, delay) => {
        const found = after({ result: answered(status, asked), random: 0 });
        expect(found).toEqual({ kind: "retry", at: now + delay });
      },
    ));

  it("never makes a wait shorter than the curve, nor one longer than an hour, jitter included", () => {
    const result = answered(503, 100_000);
    expect(after({ result, failures: 10, random: 0.5 })).toEqual({ kind: "retry", at: now + 1_024_000 });
    expect(after({ result: answered(503, 3_500_000), random: 1 })).toEqual({
      kind: "retry",
      at: now + hourMs,
    });
    expect(after({ failures: 20, random: 1 })).toEqual({ kind: "retry", at: now + hourMs });
  });

  it("is never undercut, whatever the chance", () => {
    const result = answered(429, 100_000);
    expect(after({ result, random: 0 })).toEqual({ kind: "retry", at: now + 100_000 });
    expect(after({ result, random: 1 })).toEqual({ kind: "retry", at: now + 120_000 });
  });
});
