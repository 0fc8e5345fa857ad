import { describe, expect, it } from "vitest";
import { timeText } from "../../src/pages/parts/time";

const now = Date.UTC(2026, 10, 5, 12);

describe("a time for people", () => {
  it.each([
    [0, "now"],
    [-999, "now"],
    [-1000, "1 second ago"],
    [-59_999, "59 seconds ago"],
    [-90_000, "1 minute ago"],
    [7_200_000, "in 2 hours"],
    [-86_400_000, "yesterday"],
    [-8 * 86_400_000, "28 Oct 2026, 12:00 UTC"],
  ])("%d ms from now is %j", (distance, words) => {
    expect(timeText(now + distance, now)).toBe(words);
  });
});
