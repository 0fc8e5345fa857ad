import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { encryptSettings } from "../../src/platform/encryption";
import { readConfig } from "../../src/platform/config";
import { passTime, stopClock } from "../clock";
import { eventUuidsIn, makeEvent, makeEvents, makeListener, publish } from "../event";
import { sendsPerRunMax } from "../../src/lane/drain";
import { alarmOf, configOf, laneOf, runAlarm, runAlarms } from "../lane";
import { receiver, type Received } from "../receiver";

beforeEach(stopClock);

/** A receiver that takes a second for each answer. */
function slowReceiver(): { received: Received[] } {
  return receiver(() => {
    passTime(1000);
    return new Response();
  });
}

describe("a long backlog", () => {
  it("is drained by the alarm when nobody calls: 100 events, a second each, no repeat and no stall", async () => {
    const { received } = slowReceiver();
    const { uuid } = await makeListener();
    const events = makeEvents(100);
    await publish(events);
    // The call that brought them sends for 10 s, then leaves the rest to the alarm.
    await vi.waitFor(async () => expect(await alarmOf(uuid)).toBeLessThanOrEqual(Date.now() + 10_000));
    expect(received.length).toBeLessThan(30);
    await runAlarms(uuid, () => received.length >= 100);
    expect(eventUuidsIn(received)).toEqual(events.map((event) => event.uuid));
  });

  it("is drained over several alarms, each of which ends in time and sets the next one at once", async () => {
    const { received } = slowReceiver();
    const { uuid } = await makeListener();
    for (let batch = 0; batch < 8; batch++) await publish(makeEvents(100));
    const before = Date.now();
    await runAlarm(uuid, 0);
    expect(Date.now() - before).toBeLessThan(15 * 60_000);
    expect(received.length).toBeLessThan(800);
    expect(await alarmOf(uuid)).toBeLessThanOrEqual(Date.now() + 10);
    await runAlarm(uuid, 10);
    expect(received).toHaveLength(800);
    expect(new Set(received.map(({ headers }) => headers.get("X-Orchest-Delivery"))).size).toBe(800);
  });

  it("is drained over several runs, each of which starts a bounded number of attempts and sets the next one at once", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    const total = 2 * sendsPerRunMax + 100;
    for (let batch = 0; batch < total / 100; batch++) await publish(makeEvents(100));
    await runAlarms(uuid, () => received.length >= total);
    await vi.waitFor(() => expect(received).toHaveLength(total));
    await laneOf(uuid).pause();
    for (let batch = 0; batch < total / 100; batch++) await publish(makeEvents(100));
    // What a resumption starts is a run, and so is each alarm.
    await laneOf(uuid).resume();
    for (const runs of [1, 2]) {
      await vi.waitFor(() => expect(received).toHaveLength(total + runs * sendsPerRunMax));
      await vi.waitFor(async () => expect(await alarmOf(uuid)).toBeLessThanOrEqual(Date.now() + 10));
      await runAlarm(uuid, 10);
    }
    expect(received).toHaveLength(2 * total);
  });

  it("leaves no alarm behind when it is done", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvents(10));
    await vi.waitFor(() => expect(received).toHaveLength(10));
    await runAlarms(uuid);
    expect(await alarmOf(uuid)).toBeNull();
  });
});

describe("an alarm stands", () => {
  it("as soon as a publisher has its 202", async () => {
    receiver(() => new Promise(() => {}));
    const { uuid } = await makeListener();
    await publish(makeEvent());
    expect(await alarmOf(uuid)).toBeLessThanOrEqual(Date.now() + 10_000);
  });
});

describe("many publishers at once", () => {
  it("have each of their events delivered once, and each array in its order", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    const arrays = Array.from({ length: 20 }, () => makeEvents(10));
    await Promise.all(arrays.map((array) => publish(array)));
    await runAlarms(uuid);
    const arrived = eventUuidsIn(received);
    expect(arrived.toSorted()).toEqual(
      arrays
        .flat()
        .map((event) => event.uuid)
        .toSorted(),
    );
    for (const array of arrays) {
      const places = array.map((event) => arrived.indexOf(event.uuid));
      expect(places).toEqual(places.toSorted((a, b) => a - b));
    }
  });
});

describe("a target that has become forbidden", () => {
  it("is not called: the attempt fails as blocked, and is tried again", async () => {
    const { received, logged } = receiver();
    const { uuid } = await makeListener();
    const settings = { url: "http://169.254.169.254/latest/meta-data", secret: "secret" };
    const sealed = await encryptSettings(readConfig(env).encryptionKeys, uuid, settings);
    await env.DB.prepare("UPDATE webhooks SET sealed = ?, version = version + 1 WHERE uuid = ?")
      .bind(sealed, uuid)
      .run();
    await laneOf(uuid).configure(await configOf(uuid));
    await publish(makeEvent());
    await vi.waitFor(() => expect(logged()).toContain('"error":"blocked"'));
    await runAlarm(uuid);
    expect(logged()).toContain('"attempt":2');
    expect(received).toEqual([]);
  });
});
