import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TimeLimits } from "../../src/send/time-limits";
import { restartClock } from "../clock";
import { makeEvents, makeListener, publish } from "../event";
import { receiver } from "../receiver";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
afterEach(restartClock);

describe("a time limit", () => {
  it("runs out at its time and not before", () => {
    const { signal } = new TimeLimits().begin(5000);
    vi.advanceTimersByTime(4999);
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(signal.aborted).toBe(true);
  });

  it("is whole for a request that begins while the timer of an earlier one still runs", () => {
    const limits = new TimeLimits();
    const first = limits.begin(5000);
    vi.advanceTimersByTime(3000);
    limits.end(first);
    const { signal } = limits.begin(5000);
    vi.advanceTimersByTime(4999);
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(signal.aborted).toBe(true);
  });

  it("that is shorter than the ones before it is kept, too", () => {
    const limits = new TimeLimits();
    const long = limits.begin(30_000);
    const short = limits.begin(1000);
    vi.advanceTimersByTime(1000);
    expect([long.signal.aborted, short.signal.aborted]).toEqual([false, true]);
    vi.advanceTimersByTime(29_000);
    expect(long.signal.aborted).toBe(true);
  });

  it("ends none but its own request, of several at once", () => {
    const limits = new TimeLimits();
    const begun = [0, 1, 2].map(() => {
      const limit = limits.begin(5000);
      vi.advanceTimersByTime(1000);
      return limit;
    });
    const ended = () => begun.map(({ signal }) => signal.aborted);
    expect(ended()).toEqual([false, false, false]);
    vi.advanceTimersByTime(2000);
    expect(ended()).toEqual([true, false, false]);
    vi.advanceTimersByTime(1000);
    expect(ended()).toEqual([true, true, false]);
    vi.advanceTimersByTime(1000);
    expect(ended()).toEqual([true, true, true]);
  });

  it("that has run out does not end the next request", () => {
    const limits = new TimeLimits();
    const first = limits.begin(5000);
    vi.advanceTimersByTime(5000);
    limits.end(first);
    expect(limits.begin(5000).signal.aborted).toBe(false);
  });

  it("leaves no timer when requests are let rest, and one while any is under way", () => {
    const limits = new TimeLimits();
    const limit = limits.begin(5000);
    limits.rest();
    expect(vi.getTimerCount()).toBe(1);
    limits.end(limit);
    limits.rest();
    expect(vi.getTimerCount()).toBe(0);
  });
});

it("a lane that has sent what it had leaves no timer: it would be billed as awake", async () => {
  const { received, logged } = receiver();
  await makeListener();
  await publish(makeEvents(3));
  await vi.waitFor(() => expect(logged().match(/"attempt":1/g)).toHaveLength(3));
  await vi.advanceTimersByTimeAsync(0);
  expect(received).toHaveLength(3);
  expect(vi.getTimerCount()).toBe(0);
});
