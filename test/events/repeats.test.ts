import { beforeEach, describe, expect, it, vi } from "vitest";
import { passTime, stopClock } from "../clock";
import { archived, archiveOnly, eventUuidsIn, makeEvent, makeEvents, makeListener, publish } from "../event";
import { configOf, handoverEvent, laneOf } from "../lane";
import { receiver } from "../receiver";

/** A wait after which the lane's clock and the archive's cannot be mistaken. */
const longMs = 3_600_000;

beforeEach(stopClock);

describe("a repeated event", () => {
  it("is accepted as a duplicate, and sent to nobody again", async () => {
    const { received } = receiver();
    await makeListener();
    const [event, barrier] = [makeEvent(), makeEvent()];
    await publish(event);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    passTime(longMs);
    const { status, body } = await publish(event);
    expect(status).toBe(202);
    expect(body.accepted).toEqual([{ uuid: event.uuid, duplicate: true, deliveries: 0 }]);
    await publish(barrier);
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(eventUuidsIn(received)).toEqual([event.uuid, barrier.uuid]);
  });

  it("is a duplicate also when no webhook matched it", async () => {
    const event = makeEvent();
    await publish(event);
    expect((await publish(event)).body.accepted).toEqual([
      { uuid: event.uuid, duplicate: true, deliveries: 0 },
    ]);
  });

  it("is a duplicate also in white space or in an array", async () => {
    const event = makeEvent();
    await publish(event);
    expect((await publish(` ${JSON.stringify(event)}\n`)).body.accepted[0]?.duplicate).toBe(true);
    expect((await publish([event])).body.accepted[0]?.duplicate).toBe(true);
    expect(await archived()).toHaveLength(1);
  });

  it("is a duplicate while its first delivery still waits for a retry", async () => {
    const { received } = receiver(() => new Response("", { status: 500 }));
    await makeListener();
    const event = makeEvent();
    await publish(event);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: true, deliveries: 0 });
  });

  it("in the same array is a duplicate of the first, and delivered once", async () => {
    const { received } = receiver();
    await makeListener();
    const [event, barrier] = [makeEvent(), makeEvent()];
    const { body } = await publish([event, event, barrier]);
    expect(body.accepted).toEqual([
      { uuid: event.uuid, duplicate: false, deliveries: 1 },
      { uuid: event.uuid, duplicate: true, deliveries: 0 },
      { uuid: barrier.uuid, duplicate: false, deliveries: 1 },
    ]);
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(eventUuidsIn(received)).toEqual([event.uuid, barrier.uuid]);
  });

  it.each([
    ["in one row", 1],
    ["too large for one row", 90_000],
  ])(
    "leaves the new ones beside it as they are: archived once, and delivered in order, %s",
    async (_, size) => {
      const { received } = receiver();
      await makeListener();
      const awkward = `語 \u2028 "\\ ${"x".repeat(size)}`;
      const events = Array.from({ length: 10 }, () => makeEvent({ awkward }));
      const [first, , , fourth] = events;
      await publish([first, fourth]);
      passTime(1);
      const { body } = await publish(events);
      expect(body.accepted.map(({ duplicate }) => duplicate)).toEqual(
        events.map((event) => event === first || event === fourth),
      );
      const fresh = events.filter((event) => event !== first && event !== fourth);
      await vi.waitFor(() => expect(received).toHaveLength(10));
      expect(eventUuidsIn(received)).toEqual([first, fourth, ...fresh].map((event) => event?.uuid));
      expect((await archived()).map((row) => row.body)).toEqual(
        [first, fourth, ...fresh].map((event) => JSON.stringify(event)),
      );
    },
  );

  it("does not go to subscriptions made after it was first accepted", async () => {
    const { received } = receiver();
    const event = makeEvent();
    await publish(event);
    passTime(longMs);
    await makeListener();
    expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: true, deliveries: 0 });
    const barrier = makeEvent();
    await publish(barrier);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(eventUuidsIn(received)).toEqual([barrier.uuid]);
  });

  it("that arrives at the same moment as the first is delivered once", async () => {
    const { received } = receiver();
    await makeListener();
    const [event, barrier] = [makeEvent(), makeEvent()];
    const answers = await Promise.all(Array.from({ length: 5 }, () => publish(event)));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    expect(answers.reduce((sum, { body }) => sum + (body.accepted[0]?.deliveries ?? 0), 0)).toBe(1);
    await publish(barrier);
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(eventUuidsIn(received)).toEqual([event.uuid, barrier.uuid]);
  });
});

describe("another text under a known uuid", () => {
  it("is refused, names the uuid and changes nothing", async () => {
    const { received } = receiver();
    await makeListener();
    const event = makeEvent({ note: "first" });
    await publish(event);
    const { status, body } = await publish({ ...event, note: "second" });
    expect(status).toBe(409);
    expect(body.message).toMatch(new RegExp(`^uuid: .*${event.uuid}`));
    expect(await archived()).toEqual([{ uuid: event.uuid, body: JSON.stringify(event) }]);
    const barrier = makeEvent();
    await publish(barrier);
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(eventUuidsIn(received)).toEqual([event.uuid, barrier.uuid]);
  });

  it("is refused together with all other events of its array", async () => {
    const { received } = receiver();
    await makeListener();
    const event = makeEvent({ note: "first" });
    await publish(event);
    const [before, after] = [makeEvent(), makeEvent()];
    expect((await publish([before, { ...event, note: "second" }, after])).status).toBe(409);
    expect(await archived()).toHaveLength(1);
    const { body } = await publish([before, after]);
    expect(body.accepted.map(({ duplicate }) => duplicate)).toEqual([false, false]);
    await vi.waitFor(() => expect(received).toHaveLength(3));
    expect(eventUuidsIn(received)).toEqual([event.uuid, before.uuid, after.uuid]);
  });

  it("is refused within one array", async () => {
    const event = makeEvent();
    const { status, body } = await publish([event, { ...event, note: "other" }]);
    expect(status).toBe(409);
    expect(body.message).toContain(event.uuid);
    expect(await archived()).toEqual([]);
  });

  it("is one whose uuid differs only in case", async () => {
    const event = makeEvent({ uuid: "abcdefab-cdef-4bcd-8fab-abcdefabcdef" });
    await publish(event);
    expect((await publish({ ...event, uuid: event.uuid.toUpperCase() })).status).toBe(409);
    expect(await archived()).toHaveLength(1);
  });

  it("is one in which only white space differs", async () => {
    const event = makeEvent();
    await publish(event);
    expect((await publish(JSON.stringify(event, null, 1))).status).toBe(409);
  });
});

describe("an event that the archive knew and a lane never got", () => {
  it("is delivered when it is repeated, and is no duplicate then", async () => {
    const { received } = receiver();
    await makeListener();
    const event = makeEvent();
    await archiveOnly(event);
    passTime(longMs);
    expect((await publish(event)).body.accepted).toEqual([
      { uuid: event.uuid, duplicate: false, deliveries: 1 },
    ]);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: true, deliveries: 0 });
  });

  it("is delivered only where it is missing", async () => {
    const { received } = receiver();
    const has = await makeListener({ url: "https://has.example.com/" });
    await makeListener({ url: "https://lacks.example.com/" });
    const event = makeEvent();
    await archiveOnly(event);
    await laneOf(has.uuid).accept({ config: await configOf(has.uuid), events: [handoverEvent(event)] });
    expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 1 });
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(received.map(({ url }) => url)).toEqual([
      "https://has.example.com/",
      "https://lacks.example.com/",
    ]);
  });

  it("is not delivered again when its first hand-over arrives late", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    const event = makeEvent();
    await archiveOnly(event);
    passTime(longMs);
    await publish(event);
    passTime(longMs);
    const late = handoverEvent(event, { maybeKnown: false, firstAcceptedAt: Date.now() - 2 * longMs });
    const config = await configOf(uuid);
    expect(await laneOf(uuid).accept({ config, events: [late] })).toEqual({ outcome: "late" });
    const again = { ...late, maybeKnown: true };
    expect(await laneOf(uuid).accept({ config, events: [again] })).toEqual({
      outcome: "accepted",
      fresh: [false],
    });
    const barrier = makeEvent();
    await publish(barrier);
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(eventUuidsIn(received)).toEqual([event.uuid, barrier.uuid]);
  });
});

describe("a lane that gets events that it may have", () => {
  it("finds each of them, however many came before and behind, over days", async () => {
    receiver();
    const { uuid } = await makeListener();
    const config = await configOf(uuid);
    const firstAcceptedAt: number[] = [];
    const events = makeEvents(60);
    for (const event of events) {
      firstAcceptedAt.push(Date.now());
      await laneOf(uuid).accept({ config, events: [handoverEvent(event)] });
      passTime(longMs);
    }
    const again = events.map((event, index) =>
      handoverEvent(event, { maybeKnown: true, firstAcceptedAt: firstAcceptedAt[index] }),
    );
    const answer = await laneOf(uuid).accept({ config, events: again });
    expect(answer).toEqual({ outcome: "accepted", fresh: events.map(() => false) });
  });

  it("finds what it accepted while its clock was wrong, by an hour or a day, once it is right again", async () => {
    receiver();
    const { uuid } = await makeListener();
    const config = await configOf(uuid);
    const repeats: ReturnType<typeof handoverEvent>[] = [];
    const right = Date.now() + 10 * longMs;
    for (const wrongMs of [
      -24 * longMs,
      -longMs,
      -61_000,
      -59_000,
      0,
      59_000,
      longMs,
      24 * longMs,
      0,
      -longMs,
    ]) {
      // The archive's clock is right.
      const event = handoverEvent(makeEvent(), { firstAcceptedAt: right });
      vi.setSystemTime(right + wrongMs);
      let answer = await laneOf(uuid).accept({ config, events: [event] });
      if (answer.outcome === "late") {
        answer = await laneOf(uuid).accept({ config, events: [{ ...event, maybeKnown: true }] });
      }
      expect(answer).toEqual({ outcome: "accepted", fresh: [true] });
      repeats.push({ ...event, maybeKnown: true });
    }
    vi.setSystemTime(right + 30 * longMs);
    expect(await laneOf(uuid).accept({ config, events: repeats })).toEqual({
      outcome: "accepted",
      fresh: repeats.map(() => false),
    });
  });

  it("takes an event once that a call holds twice", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    const config = await configOf(uuid);
    const [first, second] = makeEvents(2).map((event) => handoverEvent(event, { maybeKnown: true }));
    if (first === undefined || second === undefined) throw new Error("There are two.");
    const answer = await laneOf(uuid).accept({ config, events: [first, first, second] });
    expect(answer).toEqual({ outcome: "accepted", fresh: [true, false, true] });
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(eventUuidsIn(received)).toEqual([first.uuid, second.uuid]);
  });

  it.each([1, 23, 24, 25, 48, 49, 100])("takes %i at once, in order", async (count) => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    const config = await configOf(uuid);
    const events = makeEvents(count).map((event) => handoverEvent(event));
    const answer = await laneOf(uuid).accept({ config, events });
    expect(answer).toEqual({ outcome: "accepted", fresh: events.map(() => true) });
    await vi.waitFor(() => expect(received).toHaveLength(count));
    expect(eventUuidsIn(received)).toEqual(events.map((event) => event.uuid));
  });

  it("takes what it lacks, in order, and tells which that was", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    const config = await configOf(uuid);
    const events = makeEvents(6).map((event) => handoverEvent(event, { maybeKnown: true }));
    await laneOf(uuid).accept({ config, events: events.filter((_, index) => index % 2 === 0) });
    const answer = await laneOf(uuid).accept({ config, events });
    expect(answer).toEqual({ outcome: "accepted", fresh: [false, true, false, true, false, true] });
    await vi.waitFor(() => expect(received).toHaveLength(6));
    const order = [0, 2, 4, 1, 3, 5];
    expect(eventUuidsIn(received)).toEqual(order.map((place) => events[place]?.uuid));
  });
});
