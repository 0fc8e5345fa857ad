import { beforeEach, describe, expect, it, vi } from "vitest";
import { takeSlot, slotsMax } from "../../src/lane/attempt-slots";
import { stopTimers } from "../clock";

beforeEach(stopTimers);

type Taker = { name: number; end: () => void };

/** Asks for so many turns, one after the other. @returns who got one so far, in that order. */
function ask(count: number): { began: Taker[]; names: () => number[] } {
  const began: Taker[] = [];
  for (let name = 0; name < count; name++) {
    void takeSlot().then((end) => began.push({ name, end }));
  }
  return { began, names: () => began.map(({ name }) => name) };
}

/** How often a waiter looks. */
const lookMs = 20;

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe("turns", () => {
  it("are given to so many attempts at once, and to the next one when one ends: first come, first served", async () => {
    const { began, names } = ask(slotsMax + 3);
    await settle();
    expect(began).toHaveLength(slotsMax);
    began[0]?.end();
    await vi.advanceTimersByTimeAsync(lookMs);
    began[1]?.end();
    await vi.advanceTimersByTimeAsync(lookMs);
    expect(names().slice(slotsMax)).toEqual([slotsMax, slotsMax + 1]);
  });

  it("of attempts that wait for a receiver that hangs are free again after 250 ms, and hold up nobody longer", async () => {
    const { began } = ask(slotsMax * 3);
    await vi.advanceTimersByTimeAsync(249);
    expect(began).toHaveLength(slotsMax);
    await vi.advanceTimersByTimeAsync(lookMs);
    expect(began).toHaveLength(slotsMax * 2);
    await vi.advanceTimersByTimeAsync(250 + lookMs);
    expect(began).toHaveLength(slotsMax * 3);
  });

  it("are given back once, however late", async () => {
    const { began } = ask(slotsMax * 2);
    await vi.advanceTimersByTimeAsync(250 + lookMs);
    for (const { end } of began.slice(0, slotsMax)) end();
    const late = ask(1);
    await settle();
    expect(late.began).toEqual([]);
  });

  it("are no matter of a clock that goes back", async () => {
    ask(slotsMax);
    await settle();
    vi.setSystemTime(Date.now() - 86_400_000);
    const { began } = ask(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(began).toHaveLength(1);
  });
});

describe("a waiter that is gone, with the invocation that it belonged to,", () => {
  it("holds up those behind it for seconds at most", async () => {
    const { began } = ask(slotsMax);
    await settle();
    // Its timers never fire: they went with it. No spy: what Vitest puts back after the test is the stopped timer.
    const { setTimeout } = globalThis;
    Object.assign(globalThis, { setTimeout: () => 0 });
    const gone = ask(1);
    Object.assign(globalThis, { setTimeout });
    vi.setSystemTime(Date.now() + 3000);
    const waiting = ask(1);
    for (const { end } of began) end();
    await vi.advanceTimersByTimeAsync(3000);
    expect(waiting.began).toHaveLength(1);
    expect(gone.began.length).toBeLessThanOrEqual(1);
  });
});
