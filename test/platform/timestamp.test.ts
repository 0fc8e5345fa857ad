import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTimestampUs } from "../../src/platform/timestamp";
import { forAll } from "../for-all";

const base = Date.UTC(2022, 5, 2, 16, 12, 25) * 1000;

/** A time as Python writes it. */
const write = ({ ms, us }: { ms: number; us: number }): string =>
  new Date(ms)
    .toISOString()
    .replace("T", " ")
    .replace("Z", `${String(us).padStart(3, "0")}+00:00`);

describe("a timestamp", () => {
  it("is a number of microseconds", () =>
    forAll(
      [
        ["2022-06-02 16:12:25.242592+00:00", base + 242_592],
        ["2022-06-02 16:12:25+00:00", base],
        ["2022-06-02 16:12:25.5+00:00", base + 500_000],
        ["2022-06-02 16:12:25.000001+00:00", base + 1],
        ["2022-06-02 16:12:25.123456789+00:00", base + 123_456],
        ["2022-06-02T16:12:25.242Z", base + 242_000],
        ["2022-06-02T16:12:25", base],
        ["2022-06-02 18:12:25+02:00", base],
        ["2022-06-02 10:42:25-05:30", base],
        ["1970-01-01 00:00:00+00:00", 0],
        ["1969-12-31 23:59:59.5+00:00", -500_000],
      ],
      (text, microseconds) => {
        expect(parseTimestampUs(text)).toBe(microseconds);
      },
    ));

  it("may have every form of RFC 3339 and ISO 8601 for a calendar date and a time", () =>
    forAll(
      [
        // Without seconds, or without minutes.
        ["2022-06-02T16:12Z", base - 25_000_000],
        ["2022-06-02 16:12", base - 25_000_000],
        ["2022-06-02T18:12+02", base - 25_000_000],
        ["2022-06-02T16Z", base - 745_000_000],
        // Offsets without a colon, without minutes, and for an unknown zone.
        ["2022-06-02T16:12:25+0000", base],
        ["2022-06-02T21:42:25+0530", base],
        ["2022-06-02T18:12:25+02", base],
        ["2022-06-02T08:12:25-08", base],
        ["2022-06-02T16:12:25-00:00", base],
        ["2022-06-02T08:12:25\u221208:00", base],
        ["2022-06-03T16:11:25+23:59", base],
        // Small letters, more digits, a decimal comma, the basic format.
        ["2022-06-02t16:12:25z", base],
        ["2022-06-02 16:12:25z", base],
        ["2022-06-02T16:12:25.123456789012Z", base + 123_456],
        [`2022-06-02T16:12:25.${"9".repeat(1000)}Z`, base + 999_999],
        ["2022-06-02T16:12:25,5Z", base + 500_000],
        ["20220602T161225Z", base],
        ["20220602T161225.25+0000", base + 250_000],
        ["20220602T1612Z", base - 25_000_000],
        // A leap second, in other zones too.
        ["2016-12-31T23:59:60Z", Date.UTC(2017, 0, 1) * 1000],
        ["2016-12-31T23:59:60.5Z", Date.UTC(2017, 0, 1) * 1000 + 500_000],
        ["2016-12-31T15:59:60-08:00", Date.UTC(2017, 0, 1) * 1000],
        ["2017-01-01T00:59:60+01:00", Date.UTC(2017, 0, 1) * 1000],
        // The ends of days, months and years.
        ["2022-06-01T24:00:00Z", Date.UTC(2022, 5, 2) * 1000],
        ["2022-06-01T24:00Z", Date.UTC(2022, 5, 2) * 1000],
        ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29) * 1000],
        ["2000-02-29T00:00:00Z", Date.UTC(2000, 1, 29) * 1000],
        ["0001-01-01T00:00:00Z", Date.parse("0001-01-01T00:00:00Z") * 1000],
        ["9999-12-31T23:59:59Z", Date.parse("9999-12-31T23:59:59Z") * 1000],
      ],
      (text, microseconds) => {
        expect(parseTimestampUs(text)).toBe(microseconds);
      },
    ));

  it("is none where the day, the time or the offset does not exist", () =>
    forAll(
      [
        "2026-02-31T00:00:00Z",
        "2026-02-30 00:00:00+00:00",
        "2025-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00Z",
        "20260431T000000Z",
        "2026-00-10T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-01-01T24:00:01Z",
        "2026-01-01T24:00:00.1Z",
        "2026-01-01T24:01Z",
        "2026-01-01T25:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T23:58:60Z",
        "2016-12-31T23:59:60-08:00",
        "2016-12-31T23:59:61Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+00:60",
      ],
      (text) => {
        expect(parseTimestampUs(text)).toBeNull();
      },
    ));

  it("is none in any other form", () =>
    forAll(
      [
        "",
        "now",
        "2022-06-02",
        "16:12:25",
        "2022-13-02 16:12:25+00:00",
        "2022-06-02 25:12:25+00:00",
        "2022-06-02 16:61:25+00:00",
        "2022-06-02 16:12:25.+00:00",
        "2022-0602T16:12:25Z",
        "2022-06-02T16:1225Z",
        "2022-06-02T1612:25Z",
        "2022-06-02T16:12:25+2",
        "2022-06-02T16:12:25+02:0",
        "2022-06-02T16:12:25+00:00Z",
        "2022-06-02T16:12:25 Z",
        "2022-06-02X16:12:25Z",
        "22-06-02T16:12:25Z",
        "+002022-06-02T16:12:25Z",
        "2022-06-02T16:12:25Z[UTC]",
        "2022-06-02T16:12:\u0662\u0665Z",
        "2022-06-02 16:12:25 +00:00",
        " 2022-06-02 16:12:25+00:00",
        "2022-06-02 16:12:25+00:00\n",
        "1654186345",
      ],
      (text) => {
        expect(parseTimestampUs(text)).toBeNull();
      },
    ));

  it("that Python writes comes before every later one, to the microsecond", () => {
    const time = fc.record({ ms: fc.integer({ min: 0, max: 4e12 }), us: fc.integer({ min: 0, max: 999 }) });
    fc.assert(
      fc.property(time, (at) => {
        expect(parseTimestampUs(write(at))).toBe(at.ms * 1000 + at.us);
      }),
    );
  });
});
