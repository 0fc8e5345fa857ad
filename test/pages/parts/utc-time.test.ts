import { describe, expect, it } from "vitest";
import { parseUtc, utcText } from "../../../src/pages/parts/utc-time";

describe("a time in a form", () => {
  it.each([
    ["2026-11-05T12:00", Date.UTC(2026, 10, 5, 12)],
    ["2026-11-05T12:00:30", Date.UTC(2026, 10, 5, 12, 0, 30)],
    ["2026-11-05T12:00:30.125", Date.UTC(2026, 10, 5, 12, 0, 30, 125)],
  ])("is UTC: %s", (text, ms) => {
    expect(parseUtc(text)).toBe(ms);
    expect(utcText(ms)).toBe(text);
  });

  it.each(["", "2026-11-05", "2026-02-30T12:00", "2026-11-05T25:00", "2026-11-05T12:00Z", "tomorrow"])(
    "is rejected when it is invalid: %s",
    (text) => expect(parseUtc(text)).toBeNull(),
  );
});
