import { beforeEach, describe, expect, it, vi } from "vitest";
import { TimeLimit } from "../../src/send/time-limit";
import { passTime, stopTimers } from "../clock";
import { makeEvents, makeListener, publish } from "../event";
import { receiver } from "../receiver";

beforeEach(stopTimers);

describe("a time limit", () => {
  it.each([1, 999, 1000, 1001, 5000, 30_000])("of %d ms runs out at its time and not before", (ms) => {
    const limit = new TimeLimit(ms);
    vi.advanceTimersByTime(ms - 1);
    expect(limit.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(limit.signal.aborted).toBe(true);
    expect(limit.isGatewayLate).toBe(false);
  });

  it("ends none but its own request, of several at once", () => {
    const begun = [0, 1, 2].map(() => {
      const limit = new TimeLimit(5000);
      vi.advanceTimersByTime(1000);
      return limit;
    });
    const ended = () => begun.map(({ signal }) => signal.aborted);
    vi.advanceTimersByTime(2000);
    expect(ended()).toEqual([true, false, false]);
    vi.advanceTimersByTime(1000);
    expect(ended()).toEqual([true, true, false]);
  });

  it("leaves no timer once its request has ended, and never aborts it", () => {
    const limit = new TimeLimit(5000);
    vi.advanceTimersByTime(2500);
    limit.end();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(10_000);
    expect(limit.signal.aborted).toBe(false);
  });

  it("does not charge time to the receiver by which the process was late", () => {
    const limit = new TimeLimit(5000);
    vi.advanceTimersByTime(1500);
    // The timer of the second step fires 20 s late.
    passTime(20_000);
    vi.advanceTimersByTime(500);
    expect(limit.signal.aborted).toBe(false);
    vi.advanceTimersByTime(2999);
    expect(limit.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(limit.signal.aborted).toBe(true);
    expect(limit.isGatewayLate).toBe(false);
  });

  it("gives an answer that lies there already a moment to be read, after a late last step", () => {
    const limit = new TimeLimit(5000);
    vi.advanceTimersByTime(4000);
    passTime(20_000);
    vi.advanceTimersByTime(1000);
    expect(limit.signal.aborted).toBe(false);
    vi.advanceTimersByTime(250);
    expect(limit.signal.aborted).toBe(true);
    expect(limit.isGatewayLate).toBe(false);
  });

  it("says that a time-out is our own when the process was late to the very end", () => {
    const limit = new TimeLimit(1000);
    for (const stepMs of [1000, 250, 250, 250]) {
      expect(limit.signal.aborted).toBe(false);
      passTime(500);
      vi.advanceTimersByTime(stepMs);
    }
    expect(limit.signal.aborted).toBe(true);
    expect(limit.isGatewayLate).toBe(true);
  });

  it("takes a timer that fires up to 100 ms late for one that is on time", () => {
    for (const [lateMs, isGatewayLate] of [
      [100, false],
      [101, true],
    ] as const) {
      const limit = new TimeLimit(1000);
      for (const stepMs of [1000, 250, 250, 250]) {
        passTime(lateMs);
        vi.advanceTimersByTime(stepMs);
      }
      expect(limit.signal.aborted).toBe(true);
      expect(limit.isGatewayLate).toBe(isGatewayLate);
    }
  });

  it("is no longer for a clock that goes back", () => {
    const limit = new TimeLimit(1000);
    vi.setSystemTime(Date.now() - 86_400_000);
    vi.advanceTimersByTime(2000);
    expect(limit.signal.aborted).toBe(true);
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
