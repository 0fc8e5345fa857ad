import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { Pace } from "../../src/delivery/pace";
import { makeEvents, makeListener, publish } from "../event";
import { laneOf } from "../lane";
import { receiver } from "../receiver";

const waitMs = 30_000;

describe("a rate limit", () => {
  it("lets an attempt begin only when the one before it is far enough away", () => {
    const pace = new Pace();
    expect(pace.nextStart(10, () => null)).toBe(0);
    pace.started(10, 1000);
    expect(pace.nextStart(10, () => null)).toBe(1100);
    pace.started(10, 1100);
    expect(pace.nextStart(10, () => null)).toBe(1200);
    pace.started(10, 5000);
    expect(pace.nextStart(10, () => null)).toBe(5100);
  });

  it("does not burst after a wake: the latest attempt on disk counts", () => {
    expect(new Pace().nextStart(0.5, () => 1000)).toBe(3000);
  });

  it("that is not set holds nothing up", () => {
    const pace = new Pace();
    pace.started(null, 1000);
    expect(pace.nextStart(null, () => 1000)).toBe(0);
  });

  it("spreads a burst: no two attempts begin closer than it allows, across an eviction too", async () => {
    const starts: number[] = [];
    const { received } = receiver(() => {
      starts.push(Date.now());
      return new Response("ok");
    });
    const { uuid } = await makeListener({ rate_limit_per_s: 50 });
    await publish(makeEvents(10));
    await vi.waitFor(() => expect(received).toHaveLength(10), waitMs);
    await vi.waitFor(async () => expect((await laneOf(uuid).stats())?.backlog).toBe(0), waitMs);
    await evictDurableObject(laneOf(uuid));
    await publish(makeEvents(2));
    await vi.waitFor(() => expect(received).toHaveLength(12), waitMs);
    // Signing lies between an attempt's begin and its arrival, however long that takes on a busy machine. An attempt
    // begins when the one before it was answered at the earliest, so that only the first of some can have been late.
    const early = starts.flatMap((from, first) =>
      starts.slice(first + 1).filter((at, between) => at - from < between * 20 - 1),
    );
    expect(early).toEqual([]);
  });
});
