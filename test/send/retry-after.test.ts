import { describe, expect, it } from "vitest";
import { parseRetryAfter } from "../../src/send/retry-after";
import { forAll } from "../for-all";

const now = Date.UTC(2040, 0, 1);
const dayMs = 86_400_000;

/** How long a value asks to wait, in ms. */
function askedMs(value: string | null): number | null {
  return parseRetryAfter(value, now);
}

describe("Retry-After", () => {
  it("is seconds, also with a fraction, a sign, white space, quotation marks or their unit", () =>
    forAll(
      [
        ["120", 120_000],
        ["0", 0],
        ["007", 7000],
        ["1.5", 1500],
        ["2.", 2000],
        ["+30", 30_000],
        ["  30\t", 30_000],
        ["30s", 30_000],
        ["30 S", 30_000],
        ["30 sec", 30_000],
        ["30 seconds", 30_000],
        ['"30"', 30_000],
        ["'30 s'", 30_000],
      ],
      (value, ms) => {
        expect(askedMs(value)).toBe(ms);
      },
    ));

  it("is a date in each of the three forms, also without its weekday, in other zones and as ISO 8601", () =>
    forAll(
      [
        ["Sun, 01 Jan 2040 00:01:00 GMT", 60_000],
        ["Sunday, 01-Jan-40 00:01:00 GMT", 60_000],
        ["Sun Jan  1 00:01:00 2040", 60_000],
        ["sun, 01 jan 2040 00:01:00 gmt", 60_000],
        ["Sun, 01 Jan 2040 02:01:00 +0200", 60_000],
        ["Sun, 01 Jan 2040 00:01:00 UTC", 60_000],
        ["Sun, 01 Jan 2040 00:01:00", 60_000],
        ["01 Jan 2040 00:01:00 GMT", 60_000],
        ["2040-01-01T00:01:00Z", 60_000],
        ["2040-01-01T00:01:00.500+00:00", 60_500],
        ["2040-01-01T00:01:00", 60_000],
        ["2040-01-01 00:01:00", 60_000],
        ["2040-01-01 00:01:00+00:00", 60_000],
        ['"Sun, 01 Jan 2040 00:01:00 GMT"', 60_000],
      ],
      (value, ms) => {
        expect(askedMs(value)).toBe(ms);
      },
    ));

  it("is nothing to wait for when it lies in the past", () =>
    forAll(
      [
        ["Sat, 31 Dec 2039 23:59:59 GMT", 0],
        ["1999-01-01T00:00:00Z", 0],
      ],
      (value, ms) => {
        expect(askedMs(value)).toBe(ms);
      },
    ));

  it("is the longest of several, as two proxies write them", () =>
    forAll(
      [
        ["30, 60", 60_000],
        ["60,30", 60_000],
        ["30, Sun, 01 Jan 2040 00:01:00 GMT", 60_000],
        ["Sun, 01 Jan 2040 00:01:00 GMT, 90", 90_000],
        ["Sun, 01 Jan 2040 00:01:00 GMT, Sunday, 01-Jan-40 00:02:00 GMT", 120_000],
        ["soon, 30", 30_000],
        ["30,", 30_000],
        ['"30", "Sun, 01 Jan 2040 00:01:00 GMT"', 60_000],
        [",", null],
      ],
      (value, ms) => {
        expect(askedMs(value)).toBe(ms);
      },
    ));

  it("is a day at most, however absurd", () =>
    forAll(
      [
        [`${dayMs / 1000}`, dayMs],
        [`${dayMs / 1000 + 1}`, dayMs],
        ["9".repeat(400), dayMs],
        ["Fri, 31 Dec 9999 23:59:59 GMT", dayMs],
      ],
      (value, ms) => {
        expect(askedMs(value)).toBe(ms);
      },
    ));

  it("is as good as absent when it cannot be understood", () =>
    forAll(
      [
        [null, null],
        ["", null],
        ["soon", null],
        ["-5", null],
        ["NaN", null],
        ["Infinity", null],
        ["1e3", null],
        ["0x10", null],
        ["--5", null],
        ["5 minutes", null],
        ["30 sheep", null],
        ['"', null],
        ["Sun, 99 Jan 2040 00:00:00 GMT", null],
        ["Monday", null],
        ["2040", 2_040_000],
      ],
      (value, ms) => {
        expect(askedMs(value)).toBe(ms);
      },
    ));
});
