import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { passTime, stopClock } from "../clock";
import { makeListener } from "../event";
import { laneOf, runAlarm } from "../lane";
import { receiver, type Received } from "../receiver";
import { change, hand, sequencesOf, settle, withoutJitter } from "./lane-traffic";

beforeEach(() => {
  stopClock();
  withoutJitter();
});

type Hanging = {
  received: Received[];
  sequences: () => number[];
  /** From now on requests are kept waiting, or not. */
  hang: (isHanging: boolean) => void;
  /** From now on requests that do not hang are answered so. */
  answerWith: (status: number) => void;
  /** Answers those that hang. */
  letGo: () => void;
};

/** A receiver that keeps requests waiting. */
function hangingReceiver(): Hanging {
  const gate = Promise.withResolvers<void>();
  let hangs = false;
  let status = 200;
  const { received } = receiver(async () => {
    if (hangs) await gate.promise;
    return new Response(null, { status });
  });
  return {
    received,
    sequences: () => sequencesOf(received),
    hang: (isHanging) => (hangs = isHanging),
    answerWith: (next) => (status = next),
    letGo: () => gate.resolve(),
  };
}

/** A webhook whose receiver keeps the delivery of one job waiting, and answers all others. */
async function withOneHanging(
  ordering: "keyed" | "none",
  before: (uuid: string, hanging: Hanging) => Promise<void> = async () => {},
): Promise<Hanging & { uuid: string }> {
  const hanging = hangingReceiver();
  const { uuid } = await makeListener({ ordering, retry: { max_attempts: 50 } });
  await before(uuid, hanging);
  hanging.received.length = 0;
  hanging.hang(true);
  await hand(uuid, ["hanging"]);
  await vi.waitFor(() => expect(hanging.received).toHaveLength(1));
  hanging.hang(false);
  return { ...hanging, uuid };
}

describe.each(["keyed", "none"] as const)("in %s ordering, while an attempt hangs,", (ordering) => {
  it("what is published goes at once, one event at a time, also a long while later", async () => {
    const { uuid, sequences, letGo } = await withOneHanging(ordering);
    for (const [index, job] of ["a", "b", "c"].entries()) {
      passTime(4000);
      await hand(uuid, [job]);
      await vi.waitFor(() => expect(sequences()).toHaveLength(index + 2));
    }
    expect(sequences()).toEqual([1, 2, 3, 4]);
    letGo();
    await settle(uuid);
  });

  it("what is due again goes at its time", async () => {
    const { uuid, sequences, letGo } = await withOneHanging(ordering, async (webhook, hanging) => {
      hanging.answerWith(500);
      await hand(webhook, ["failing"]);
      await settle(webhook);
      hanging.answerWith(200);
    });
    passTime(2001);
    await vi.waitFor(() => expect(sequences()).toEqual([2, 1]), 20_000);
    letGo();
    await settle(uuid);
  });

  it("a redelivery and a replay go at once", async () => {
    const { uuid, sequences, letGo } = await withOneHanging(ordering, async (webhook) => {
      await hand(webhook, ["a", "b"]);
      await settle(webhook);
    });
    expect(await laneOf(uuid).redeliver(2)).toBe("done");
    await vi.waitFor(() => expect(sequences()).toEqual([3, 2]));
    await laneOf(uuid).replay({ kind: "all", since: 0, until: Date.now() + 1 });
    await vi.waitFor(() => expect(sequences()).toEqual([3, 2, 1, 2]));
    letGo();
    await settle(uuid);
  });

  it("what was never tried goes before what has failed, although all other places are taken by hanging retries", async () => {
    const hanging = hangingReceiver();
    const { uuid } = await makeListener({ ordering });
    hanging.answerWith(500);
    await hand(uuid, ["a", "b", "c", "d"]);
    await settle(uuid);
    hanging.received.length = 0;
    hanging.hang(true);
    // Each of them is due again and hangs, as far as there is room for retries.
    await hand(uuid, ["e"]);
    passTime(10_000);
    const alarm = runAlarm(uuid, 0);
    await vi.waitFor(() => expect(hanging.received.length).toBeGreaterThanOrEqual(2));
    hanging.hang(false);
    hanging.answerWith(200);
    await hand(uuid, ["well"]);
    await vi.waitFor(() => expect(hanging.sequences()).toContain(6));
    hanging.letGo();
    await alarm;
  });
});

it("a change from strict ordering lets go at once what waited behind a hanging head", async () => {
  const { received, sequences, hang, letGo } = hangingReceiver();
  const { uuid } = await makeListener();
  hang(true);
  await hand(uuid, ["a", "a", "b"]);
  await vi.waitFor(() => expect(received).toHaveLength(1));
  hang(false);
  await change(uuid, { ordering: "keyed" });
  await vi.waitFor(() => expect(sequences()).toEqual([1, 3]));
  letGo();
  await settle(uuid);
  expect(sequences()).toEqual([1, 3, 2]);
});

it("in strict ordering, what is published goes while a page of a replay is fetched from an archive that does not answer", async () => {
  const { received } = receiver();
  const { uuid } = await makeListener();
  const shards = Object.getPrototypeOf(env.SHARDS) as typeof env.SHARDS;
  const archive = Promise.withResolvers<never>();
  let pages = 0;
  const getByName = shards.getByName.bind(env.SHARDS);
  vi.spyOn(shards, "getByName").mockImplementation((name) => {
    const shard = getByName(name);
    return new Proxy(shard, {
      get: (target, key) => {
        // The first page of each shard is for the count of events.
        const isGone = key === "readMatching" && (pages += 1) > Number(env.EVENT_SHARDS);
        return isGone ? () => archive.promise : Reflect.get(target, key);
      },
    });
  });
  await laneOf(uuid).replay({ kind: "missing", since: 0, until: Date.now() });
  await hand(uuid, [null, null]);
  await vi.waitFor(() => expect(received).toHaveLength(2));
  expect(pages).toBeGreaterThan(Number(env.EVENT_SHARDS));
  archive.reject(new Error("The archive is gone."));
});
