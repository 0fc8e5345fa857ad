import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { stopSending } from "../../src/lane/planned-stop";
import { slotsMax } from "../../src/lane/attempt-slots";
import { passTime, restartClock, stopClock, stopTimers } from "../clock";
import { makeEvents, makeListener } from "../event";
import { alarmOf, configOf, handoverEvent, laneOf, passTimeIn, runAlarm } from "../lane";
import { hanging, receiver } from "../receiver";
import { hand, sequencesOf, settle } from "./lane-traffic";

const ok = (): Promise<Response> => Promise.resolve(new Response());
const limited = (): Promise<Response> => Promise.reject(new Error("Too many subrequests."));

describe("an attempt that meets a limit of the Worker", () => {
  beforeEach(stopClock);

  it("is not counted, ends the run, and is made again by the next alarm, in order", async () => {
    let isSpent = true;
    const { received, logged } = receiver(() =>
      isSpent
        ? Promise.reject(new Error("Too many subrequests by single Worker invocation."))
        : new Response(),
    );
    const { uuid } = await makeListener({ ordering: "keyed" });
    await hand(uuid, ["a", "a", "a"]);
    await settle(uuid);
    expect(received).toHaveLength(1);
    expect(logged()).toContain("Too many subrequests");
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 3, counts: { failed: 0, dead: 0 } });
    expect(await alarmOf(uuid)).toBe(Date.now() + 1000);
    isSpent = false;
    await runAlarm(uuid, 1000);
    expect(sequencesOf(received)).toEqual([1, 1, 2, 3]);
    expect(received.map(({ headers }) => headers.get("X-Orchest-Attempt"))).toEqual(["1", "1", "1", "1"]);
  });

  it("pauses the lane for longer each time, up to a minute, also when it is evicted meanwhile, and the receiver does not count as down", async () => {
    let isSpent = true;
    const { received } = receiver(() =>
      isSpent ? Promise.reject(new Error("Subrequest depth limit exceeded.")) : new Response(),
    );
    const { uuid } = await makeListener({ ordering: "none" });
    await hand(uuid, [null]);
    await settle(uuid);
    for (const pauseMs of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
      expect(((await alarmOf(uuid)) ?? 0) - Date.now()).toBe(pauseMs);
      await evictDurableObject(laneOf(uuid));
      await runAlarm(uuid, pauseMs);
    }
    const before = received.length;
    await evictDurableObject(laneOf(uuid));
    await hand(uuid, [null]);
    await settle(uuid);
    expect(received).toHaveLength(before);
    isSpent = false;
    await runAlarm(uuid, 60_000);
    isSpent = true;
    await hand(uuid, [null]);
    await settle(uuid);
    // After an attempt, the pauses begin again.
    expect(((await alarmOf(uuid)) ?? 0) - Date.now()).toBe(1000);
    isSpent = false;
    await runAlarm(uuid, 1000);
    received.length = 0;
    await hand(uuid, ["a", "b"]);
    await settle(uuid);
    expect(received).toHaveLength(2);
  });

  it("pauses it no longer because the clock was set back", async () => {
    let isSpent = true;
    const { received } = receiver(() =>
      isSpent ? Promise.reject(new Error("Subrequest depth limit exceeded.")) : new Response(),
    );
    const { uuid } = await makeListener();
    await hand(uuid, [null]);
    await settle(uuid);
    isSpent = false;
    received.length = 0;
    await evictDurableObject(laneOf(uuid));
    passTime(-86_400_000);
    await hand(uuid, [null]);
    await settle(uuid);
    expect(received).toHaveLength(2);
  });

  it("of a replay is made again, too", async () => {
    let answer = ok;
    const { received } = receiver(() => answer());
    const { uuid } = await makeListener();
    await hand(uuid, ["a", "b"]);
    await settle(uuid);
    answer = limited;
    await laneOf(uuid).replay({ kind: "all", since: 0, until: Date.now() + 1 });
    await settle(uuid);
    answer = ok;
    await runAlarm(uuid, 1000);
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 2, 1, 1, 2]);
  });
});

describe("while the process is late", () => {
  beforeEach(stopTimers);

  it("a time-out is no failure of the receiver: the attempt is made again, as the same one", async () => {
    let hangs = true;
    const { received, logged } = receiver((request) => (hangs ? hanging(request) : new Response()));
    const { uuid } = await makeListener({ timeout_s: 1 });
    // Not alone: an event that comes alone is waited for, and time stands still.
    await hand(uuid, [null, null]);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    for (const stepMs of [1000, 250, 250, 250]) {
      passTime(3000);
      await passTimeIn(uuid, stepMs);
    }
    await vi.waitFor(() => expect(logged()).toContain("delivery failed on our side"));
    expect(logged()).not.toContain("timeout");
    hangs = false;
    await runAlarm(uuid, 1000);
    await vi.waitFor(() => expect(received).toHaveLength(3));
    expect(sequencesOf(received)).toEqual([1, 1, 2]);
    expect(received.map(({ headers }) => headers.get("X-Orchest-Attempt"))).toEqual(["1", "1", "1"]);
  });

  it("an answer that comes late, by no more than the process is, is a success", async () => {
    const gate = Promise.withResolvers<void>();
    const { received } = receiver(async () => {
      await gate.promise;
      return new Response();
    });
    const { uuid } = await makeListener({ timeout_s: 1 });
    // Not alone: an event that comes alone is waited for, and time stands still.
    await hand(uuid, [null, null]);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    passTime(20_000);
    await passTimeIn(uuid, 1000);
    gate.resolve();
    await vi.waitFor(async () => expect((await laneOf(uuid).stats())?.counts.delivered).toBe(1));
    expect(received).toHaveLength(1);
  });
});

describe("attempts of many lanes", () => {
  beforeEach(stopClock);

  it("begin so many at once, and all of them go: nobody waits for a receiver that hangs", async () => {
    restartClock();
    const gate = Promise.withResolvers<void>();
    const { received } = receiver(async () => {
      await gate.promise;
      return new Response();
    });
    const webhooks = await Promise.all(
      Array.from({ length: slotsMax + 5 }, (_, n) => makeListener({ url: `https://r${n}.example.com/` })),
    );
    await Promise.all(
      webhooks.map(async ({ uuid }) => {
        const events = makeEvents(1).map((event) => handoverEvent(event));
        await laneOf(uuid).accept({ config: await configOf(uuid), events });
      }),
    );
    await vi.waitFor(() => expect(received).toHaveLength(webhooks.length));
    gate.resolve();
    for (const { uuid } of webhooks) {
      await vi.waitFor(async () => expect((await laneOf(uuid).stats())?.counts.delivered).toBe(1));
    }
  });
});

describe("a planned stop", () => {
  beforeEach(stopClock);

  it("lets attempts end that are under way, and begins no others", async () => {
    const answer = Promise.withResolvers<Response>();
    const { received } = receiver(() => answer.promise);
    const { uuid } = await makeListener({ ordering: "keyed" });
    await hand(uuid, ["a", "a"]);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    const stopped = stopSending(Number.POSITIVE_INFINITY);
    await hand(uuid, ["b"]);
    answer.resolve(new Response());
    expect(await stopped).toBe(0);
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 2, counts: { delivered: 1 } });
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1]);
  });

  it("waits no longer than it may for a receiver that hangs", async () => {
    const { received } = receiver(hanging);
    const { uuid } = await makeListener();
    await hand(uuid, [null]);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(await stopSending(0)).toBe(1);
  });
});
