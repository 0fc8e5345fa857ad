import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { stopClock } from "../clock";
import { makeEvent, makeListener } from "../event";
import { configOf, handoverEvent, laneOf, runAlarms } from "../lane";
import { receiver, type Received } from "../receiver";
import { change, hand, live, range, sequencesOf, settle, times } from "./lane-traffic";

beforeEach(stopClock);

const failed = (): Response => new Response(null, { status: 500 });

/** A receiver that keeps its requests waiting, until it is told to answer. */
function slowReceiver(): {
  received: Received[];
  /** Of the requests that wait, the sequences. */
  underWay: () => number[];
  /** The most that ever waited at once. */
  most: () => number;
  /** Answers those that wait, and all that come later. */
  open: (status?: number) => void;
} {
  const waiting = new Set<Received>();
  const gate = Promise.withResolvers<number>();
  let most = 0;
  const { received } = receiver(async (request) => {
    waiting.add(request);
    most = Math.max(most, waiting.size);
    const status = await gate.promise;
    waiting.delete(request);
    return new Response(null, { status });
  });
  return {
    received,
    underWay: () => sequencesOf([...waiting]),
    most: () => most,
    open: (status = 200) => gate.resolve(status),
  };
}

/** Gives the lane time to send more than it should. */
async function look(uuid: string): Promise<void> {
  for (let call = 0; call < 5; call++) await laneOf(uuid).stats();
}

describe("in keyed order", () => {
  it("a job that fails holds up only itself, with 5,000 of its deliveries in front of the others", async () => {
    const { received } = receiver(({ headers }) => (ofJob(headers, 5000) ? failed() : new Response()));
    const { uuid } = await makeListener({ ordering: "keyed" });
    for (let batch = 0; batch < 5; batch++) await hand(uuid, times(1000, "a"));
    await hand(uuid, ["b", "c", "b", "b", "c", null]);
    await settle(uuid);
    const sequences = sequencesOf(received);
    expect(sequences.toSorted((a, b) => a - b)).toEqual([1, ...range(5001, 5006)]);
    const ofB = [5001, 5003, 5004];
    expect(sequences.filter((sequence) => ofB.includes(sequence))).toEqual(ofB);
    expect(await laneOf(uuid).stats()).toMatchObject({
      backlog: 5000,
      counts: { delivered: 6, failed: 1 },
    });
  });

  it("a job that fails holds up only itself after an eviction, too", async () => {
    const { received } = receiver(({ headers }) => (ofJob(headers, 5000) ? failed() : new Response()));
    const { uuid } = await makeListener({ ordering: "keyed" });
    for (let batch = 0; batch < 5; batch++) await hand(uuid, times(1000, "a"));
    await settle(uuid);
    await evictDurableObject(laneOf(uuid));
    await hand(uuid, ["b", "b"]);
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 5001, 5002]);
  });

  it("a job's deliveries go one after another, beside those of four others", async () => {
    const { underWay, most, open, received } = slowReceiver();
    const { uuid } = await makeListener({ ordering: "keyed" });
    await hand(uuid, ["a", "a", "b", "b", "c", "d", "e", "f", "g"]);
    await vi.waitFor(() => expect(underWay()).toHaveLength(5));
    await look(uuid);
    expect(underWay()).toEqual([1, 3, 5, 6, 7]);
    open();
    await settle(uuid);
    expect(sequencesOf(received).toSorted((a, b) => a - b)).toEqual(range(1, 9));
    expect(most()).toBe(5);
  });

  it("a delivery about no job goes in its project's line, and one without a project in its type's", async () => {
    const { received } = receiver((_, index) => (index < 2 ? failed() : new Response()));
    const { uuid } = await makeListener({ ordering: "keyed" });
    const topics = [
      { projectUuid: "p" },
      {},
      { projectUuid: "p" },
      {},
      { projectUuid: "p", jobUuid: "j" },
      { projectUuid: "q" },
      { type: "project:updated" },
    ];
    const events = topics.map((topic) => handoverEvent(makeEvent(), topic));
    await laneOf(uuid).accept({ config: await configOf(uuid), events });
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 2, 5, 6, 7]);
  });

  it("five failures in a row, of different jobs, hold up the whole lane: its receiver is down", async () => {
    const { received } = receiver(failed);
    const { uuid } = await makeListener({ ordering: "keyed" });
    await hand(uuid, range(1, 200).map(String));
    await settle(uuid);
    expect(received).toHaveLength(5);
  });
});

describe("without order", () => {
  it("five are under way at once, not more, and a failure holds up no other", async () => {
    const { underWay, most, open, received } = slowReceiver();
    const { uuid } = await makeListener({ ordering: "none" });
    await hand(uuid, times(12, "a"));
    await vi.waitFor(() => expect(underWay()).toHaveLength(5));
    await look(uuid);
    expect(underWay()).toEqual(range(1, 5));
    open();
    await settle(uuid);
    expect(received).toHaveLength(12);
    expect(most()).toBe(5);
  });

  it("what fails is tried again on its own", async () => {
    let isDown = true;
    const { received } = receiver(({ headers }) =>
      isDown && ["2", "4"].includes(headers.get("X-Orchest-Sequence") ?? "") ? failed() : new Response(),
    );
    const { uuid } = await makeListener({ ordering: "none" });
    await hand(uuid, times(6));
    await settle(uuid);
    expect(sequencesOf(received).toSorted((a, b) => a - b)).toEqual(range(1, 6));
    isDown = false;
    received.length = 0;
    await runAlarms(uuid);
    expect(sequencesOf(received)).toEqual([2, 4]);
  });
});

describe("a change of the order", () => {
  it("from strict lets all go at once that waited behind a failing head", async () => {
    const { received } = receiver(({ headers }) =>
      headers.get("X-Orchest-Sequence") === "1" ? failed() : new Response(),
    );
    const { uuid } = await makeListener();
    await hand(uuid, times(8));
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1]);
    await change(uuid, { ordering: "none" });
    await vi.waitFor(() => expect(received).toHaveLength(8));
  });

  it.each(["strict", "keyed"])(
    "from %s while the lane is paused loses nothing, across an eviction",
    async (ordering) => {
      const { received } = receiver((_, index) => (index === 0 ? failed() : new Response()));
      const { uuid } = await makeListener({ ordering });
      await hand(uuid, times(4, "a"));
      await settle(uuid);
      await laneOf(uuid).pause();
      await change(uuid, { ordering: "none" });
      await evictDurableObject(laneOf(uuid));
      await laneOf(uuid).resume();
      await live(uuid, 60_000);
      expect(sequencesOf(received).toSorted((a, b) => a - b)).toEqual([1, 1, 2, 3, 4]);
    },
  );

  it("to strict waits for what is under way, and from then on one goes at a time", async () => {
    const { underWay, most, open, received } = slowReceiver();
    const { uuid } = await makeListener({ ordering: "none" });
    await hand(uuid, times(9));
    await vi.waitFor(() => expect(underWay()).toHaveLength(5));
    await change(uuid, { ordering: "strict" });
    await look(uuid);
    expect(underWay()).toEqual(range(1, 5));
    open();
    await settle(uuid);
    expect(sequencesOf(received)).toEqual(range(1, 9));
    expect(most()).toBe(5);
  });

  it("to strict puts those that failed in front, in their order, and nothing overtakes them", async () => {
    let isDown = true;
    const { received } = receiver(({ headers }) =>
      isDown && ["2", "4"].includes(headers.get("X-Orchest-Sequence") ?? "") ? failed() : new Response(),
    );
    const { uuid } = await makeListener({ ordering: "none" });
    await hand(uuid, times(5));
    await settle(uuid);
    await change(uuid, { ordering: "strict" });
    await hand(uuid, times(3));
    await settle(uuid);
    received.length = 0;
    isDown = false;
    await runAlarms(uuid);
    expect(sequencesOf(received)).toEqual([2, 4, 6, 7, 8]);
  });

  it("to strict leaves the second one its own retry time when the first one is given up", async () => {
    const { received } = receiver(failed);
    const { uuid } = await makeListener({ ordering: "none" });
    await hand(uuid, times(2));
    await settle(uuid);
    await change(uuid, { ordering: "strict" });
    await laneOf(uuid).skip(1);
    await look(uuid);
    expect(sequencesOf(received).toSorted((a, b) => a - b)).toEqual([1, 2]);
  });

  it("to keyed keeps each job's order, with deliveries of it under way", async () => {
    const { underWay, open, received } = slowReceiver();
    const { uuid } = await makeListener({ ordering: "none" });
    await hand(uuid, ["a", "a", "a", "a", "b", "a", "b", "c"]);
    await vi.waitFor(() => expect(underWay()).toHaveLength(5));
    await change(uuid, { ordering: "keyed" });
    open(500);
    await settle(uuid);
    expect(sequencesOf(received)).toEqual([1, 2, 3, 4, 5]);
    // Five failures: one probe goes, of what has not failed. The others are behind the heads of their jobs.
    await live(uuid, 3000);
    expect(sequencesOf(received)).toEqual([1, 2, 3, 4, 5, 8]);
  });

  it("to strict and back again, while requests are under way, changes nothing", async () => {
    const { underWay, open, received } = slowReceiver();
    const { uuid } = await makeListener({ ordering: "keyed" });
    await hand(uuid, ["a", "b", "a", "b"]);
    await vi.waitFor(() => expect(underWay()).toHaveLength(2));
    await change(uuid, { ordering: "strict" });
    await change(uuid, { ordering: "keyed" });
    open();
    await settle(uuid);
    expect(sequencesOf(received).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
  });
});

function ofJob(headers: Headers, upTo: number): boolean {
  return Number(headers.get("X-Orchest-Sequence")) <= upTo;
}
