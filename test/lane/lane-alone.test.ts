import { beforeEach, describe, expect, it, vi } from "vitest";
import { passTime, stopTimers } from "../clock";
import { makeEvent, makeListener, publish } from "../event";
import { alarmOf, laneOf, passTimeIn, runAlarm } from "../lane";
import { receiver } from "../receiver";

beforeEach(stopTimers);

/** How long a publisher waits for the delivery of an event that comes alone. */
const waitMs = 100;

describe("an event that comes alone", () => {
  it("is delivered when the publisher is told, by a receiver that answers at once, and leaves no alarm", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    expect((await publish(makeEvent())).status).toBe(202);
    expect(received).toHaveLength(1);
    await vi.waitFor(async () => expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0 }));
    expect(await alarmOf(uuid)).toBeNull();
  });

  it("is accepted, with an alarm, although its receiver does not answer", async () => {
    const { promise: hangs, resolve: answer } = Promise.withResolvers<Response>();
    const { received } = receiver(() => hangs);
    const { uuid } = await makeListener();
    const published = publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(await alarmOf(uuid)).toBeNull();
    await passTimeIn(uuid, waitMs);
    expect((await published).status).toBe(202);
    expect(await alarmOf(uuid)).not.toBeNull();
    answer(new Response());
    await vi.waitFor(async () => expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0 }));
  });

  it("is accepted, with an alarm for its next attempt, when it fails at once", async () => {
    receiver(() => new Response(null, { status: 500 }));
    const { uuid } = await makeListener();
    expect((await publish(makeEvent())).status).toBe(202);
    expect(await alarmOf(uuid)).toBeGreaterThan(Date.now() + 1000);
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 1, counts: { failed: 1 } });
  });

  it("is not waited for when something else is on its way before it", async () => {
    const { promise: hangs, resolve: answer } = Promise.withResolvers<Response>();
    const { received } = receiver(() => hangs);
    const { uuid } = await makeListener();
    const first = publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect((await publish(makeEvent())).status).toBe(202);
    await passTimeIn(uuid, waitMs);
    expect((await first).status).toBe(202);
    expect(received).toHaveLength(1);
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 2 });
    answer(new Response());
    await vi.waitFor(() => expect(received).toHaveLength(2));
  });

  it("is not waited for, with an alarm, when it comes less than 100 ms behind another one", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvent());
    passTime(99);
    await publish(makeEvent());
    expect(await alarmOf(uuid)).not.toBeNull();
    await vi.waitFor(() => expect(received).toHaveLength(2));
    passTime(1000);
    await runAlarm(uuid, 0);
    await publish(makeEvent());
    expect(received).toHaveLength(3);
    expect(await alarmOf(uuid)).toBeNull();
  });
});
