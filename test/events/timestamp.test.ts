import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTimestampUs } from "../../src/events/timestamp";
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
        "2022-06-02 16:12:25+0000",
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
