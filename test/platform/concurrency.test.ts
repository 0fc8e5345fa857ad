import { describe, expect, it } from "vitest";
import { forEachConcurrent } from "../../src/platform/concurrency";

describe("doing a thing for many items", () => {
  it("does it once for each, and never more than so many at once", async () => {
    let under = 0;
    let most = 0;
    const done: number[] = [];
    const items = Array.from({ length: 100 }, (_, item) => item);
    await forEachConcurrent(7, items, async (item) => {
      under += 1;
      most = Math.max(most, under);
      await Promise.resolve();
      done.push(item);
      under -= 1;
    });
    expect(done.toSorted((a, b) => a - b)).toEqual(items);
    expect(most).toBe(7);
  });

  it("does nothing for none", async () => {
    await expect(
      forEachConcurrent(3, [], () => Promise.reject(new Error("called"))),
    ).resolves.toBeUndefined();
  });

  it("throws the first failure, after all that had begun have ended", async () => {
    const done: number[] = [];
    const work = forEachConcurrent(2, [1, 2, 3, 4], async (item) => {
      await Promise.resolve();
      if (item === 1) throw new Error("one");
      done.push(item);
    });
    await expect(work).rejects.toThrow("one");
    expect(done).toEqual([2, 3, 4]);
  });
});
