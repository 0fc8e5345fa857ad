/**
 * Finding events in large lanes: what it reads, in rows. `LANE_ROWS=1000000` makes them ten times as large. What was
 * accepted within three minutes is at most 100,000: more than a lane accepts.
 */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { AcceptResult, HandoverEvent } from "../../src/lane/handover";
import { stopClock } from "../clock";
import { makeEvent, makeListener } from "../event";
import { configOf, handoverEvent, laneOf } from "../lane";
import { receiver } from "../receiver";
import { fill, rowsRead, size } from "./lane-rows";
import { hand, settle } from "./lane-traffic";

beforeEach(stopClock);

/** How far the acceptance of the deliveries of a large lane is apart, in ms: 100,000 of them lie in three minutes. */
const apartMs = 1.8;
const burst = 100_000;

/** A large lane of delivered ones, the latest of which was accepted just now, as it is after its daily maintenance. */
async function largeLane(): Promise<string> {
  receiver();
  const { uuid } = await makeListener();
  await hand(uuid, [null]);
  await settle(uuid);
  const acceptedAt = `${Date.now()} + CAST(n * ${apartMs} AS INTEGER)`;
  await fill(uuid, { status: "1", attempts: "1", line: "'type'", acceptedAt }, size);
  // As a lane writes it down that has looked through them.
  await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
    sql.exec(
      "UPDATE lane SET record = json_set(record, '$.frontier', ?1, '$.lowWater', ?1 + 1, '$.countFrom', ?1 + 1, '$.countTo', ?1 + 1000)",
      size + 1,
    );
  });
  await evictDurableObject(laneOf(uuid));
  vi.setSystemTime(Math.ceil(Date.now() + size * apartMs));
  await laneOf(uuid).maintain();
  return uuid;
}

async function accept(uuid: string, events: HandoverEvent[]): Promise<AcceptResult> {
  return laneOf(uuid).accept({ config: await configOf(uuid), events });
}

describe(`a lane of ${size} deliveries`, () => {
  it("reads at most 1,000 rows for a repeat, whether it has had the event or not", async () => {
    const uuid = await largeLane();
    const now = Date.now();
    const middle = size - burst / 2;
    const cases = [
      ["of a new one", "unknown 1", now - 90_000, true],
      ["of one that was never here, long ago", "unknown 3", now - size * apartMs, true],
      ["of one that was never here, just now", "unknown 2", now, true],
      ["of the latest", `uuid ${size}`, now, false],
      ["of one in the middle of a burst", `uuid ${middle}`, now - (burst / 2) * apartMs, false],
      ["of the first", "uuid 2", now - size * apartMs, false],
    ] as const;
    const reads: [string, number][] = [];
    for (const [what, eventUuid, firstAcceptedAt, isNew] of cases) {
      const event = handoverEvent(makeEvent({ uuid: eventUuid }), {
        uuid: eventUuid,
        maybeKnown: true,
        firstAcceptedAt: Math.floor(firstAcceptedAt),
      });
      const read = await rowsRead(uuid, async () => {
        expect(await accept(uuid, [event]), what).toEqual({ outcome: "accepted", fresh: [isNew] });
        await settle(uuid);
      });
      reads.push([what, read]);
    }
    // oxlint-disable-next-line no-console -- what a repeat costs
    console.log(`rows read for a repeat in a lane of ${size}: ${JSON.stringify(reads)}`);
    for (const [what, read] of reads) expect(read, what).toBeLessThanOrEqual(1000);
  });

  it("reads at most 1,000 rows for the delivery of an event, and as many where there is none", async () => {
    const uuid = await largeLane();
    const found = [size, size - burst / 2, 2, 4711];
    for (const sequence of found) {
      const firstAcceptedAt = Date.now() - Math.floor((size - sequence) * apartMs);
      const read = await rowsRead(uuid, async () => {
        expect(await laneOf(uuid).deliveryOf(`uuid ${sequence}`, firstAcceptedAt)).toMatchObject({
          sequence,
        });
        expect(await laneOf(uuid).deliveryOf("unknown", firstAcceptedAt)).toBeNull();
      });
      expect(read, String(sequence)).toBeLessThanOrEqual(2000);
    }
  });

  it("reads at most 1,000 rows for a first call that comes late, and for the hand-over behind it", async () => {
    const uuid = await largeLane();
    const event = handoverEvent(makeEvent());
    expect(await accept(uuid, [{ ...event, maybeKnown: true }])).toEqual({
      outcome: "accepted",
      fresh: [true],
    });
    await settle(uuid);
    vi.setSystemTime(Date.now() + 60_001);
    const read = await rowsRead(uuid, async () => {
      expect(await accept(uuid, [event])).toEqual({ outcome: "late" });
      expect(await accept(uuid, [{ ...event, maybeKnown: true }])).toEqual({
        outcome: "accepted",
        fresh: [false],
      });
    });
    expect(read).toBeLessThanOrEqual(1000);
  });

  it("checks its counters by few rows when all of it is finished", async () => {
    const uuid = await largeLane();
    const read = await rowsRead(uuid, () => laneOf(uuid).maintain());
    expect(read).toBeLessThanOrEqual(1000);
    expect(await laneOf(uuid).stats()).toMatchObject({
      backlog: 0,
      counts: { delivered: size + 1, dead: 0 },
    });
  });
});

describe("an event of 1 MB among small ones", () => {
  it("is sent in its turn, and is not read where it is only passed", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await laneOf(uuid).configure(await configOf(uuid));
    await laneOf(uuid).pause();
    const text = "x".repeat(1_000_000);
    const events = [makeEvent(), makeEvent({ text }), makeEvent()].map((event) => handoverEvent(event));
    await accept(uuid, events);
    const read = await rowsRead(uuid, async () => {
      expect((await laneOf(uuid).stats())?.backlog).toBe(3);
      expect((await laneOf(uuid).deliveries({ limit: 10 })).deliveries).toHaveLength(3);
      await laneOf(uuid).resume();
      await vi.waitFor(() => expect(received).toHaveLength(3));
    });
    expect(read).toBeLessThanOrEqual(200);
    expect(received.map(({ body }) => body.length > 1_000_000)).toEqual([false, true, false]);
  });
});

it("events are found in an index that is behind, before it and after a pruning", async () => {
  receiver();
  const { uuid } = await makeListener();
  const config = await configOf(uuid);
  const sent: [string, number][] = [];
  for (let batch = 0; batch < 13; batch++) {
    const events = Array.from({ length: 100 }, () => handoverEvent(makeEvent()));
    await laneOf(uuid).accept({ config, events });
    for (const { uuid: event, firstAcceptedAt } of events) sent.push([event, firstAcceptedAt]);
    vi.setSystemTime(Date.now() + 30_000);
  }
  const find = async (): Promise<(number | undefined)[]> => {
    await evictDurableObject(laneOf(uuid));
    const places = [0, 510, 511, 512, 1022, 1023, 1024, 1299];
    return Promise.all(
      places.map(async (place) => {
        const [event, at] = sent[place] ?? ["", 0];
        return (await laneOf(uuid).deliveryOf(event, at))?.sequence;
      }),
    );
  };
  const right = [1, 511, 512, 513, 1023, 1024, 1025, 1300];
  expect(await find()).toEqual(right);
  await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
    expect(sql.exec("SELECT chunk FROM event_index").toArray()).toEqual([{ chunk: 0 }, { chunk: 1 }]);
    sql.exec("DELETE FROM event_index WHERE chunk = 1");
  });
  expect(await find()).toEqual(right);
  await runInDurableObject(
    laneOf(uuid),
    (_, { storage: { sql } }) => void sql.exec("DELETE FROM event_index"),
  );
  expect(await find()).toEqual(right);
  await laneOf(uuid).maintain();
  expect(await find()).toEqual(right);
});
