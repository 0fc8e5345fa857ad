import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ReplayProgress } from "../../src/lane/replay-progress";
import { stopClock } from "../clock";
import { makeEvents, makeListener, publish } from "../event";
import { laneOf, runAlarms } from "../lane";
import { type Received, receiver } from "../receiver";

beforeEach(stopClock);

type Traffic = { uuid: string; again: () => Received[]; answerWith: (status: number) => void };

/** A webhook with so many dead letters, and what its receiver got since they died. */
async function withDead(count: number): Promise<Traffic> {
  let status = 500;
  const { received } = receiver(() => new Response(null, { status }));
  const { uuid } = await makeListener({ retry: { max_attempts: 1 } });
  await publish(makeEvents(count));
  await runAlarms(uuid, () => received.length === count);
  await vi.waitFor(async () => expect((await laneOf(uuid).stats())?.counts.dead).toBe(count));
  return { uuid, again: () => received.slice(count), answerWith: (next) => (status = next) };
}

/** Starts it. */
async function replay(uuid: string, sequences?: number[]): Promise<{ id: string; queued: number }> {
  const started = await laneOf(uuid).replayDead(sequences);
  if (started === null) throw new Error("There was nothing to replay.");
  return started;
}

async function progressOf(uuid: string, id: string): Promise<ReplayProgress> {
  const progress = await laneOf(uuid).replayProgress(id);
  if (progress === null) throw new Error("There is no such replay.");
  return progress;
}

async function whenDone(uuid: string, id: string): Promise<ReplayProgress> {
  return vi.waitFor(async () => {
    const progress = await progressOf(uuid, id);
    expect(progress.done).toBe(true);
    return progress;
  });
}

async function deadOf(uuid: string): Promise<number[]> {
  return (await laneOf(uuid).deadLetters({ limit: 100 })).deliveries.map(({ sequence }) => sequence);
}

function sequences(received: Received[]): number[] {
  return received.map(({ headers }) => Number(headers.get("X-Orchest-Sequence")));
}

const nothingFailed = { isExact: true, givenUp: 0, stopped: false, failures: 0, retryAt: null };

describe("a replay of picked dead letters", () => {
  it("sends those and no others, in their order, however they were picked", async () => {
    const { uuid, again, answerWith } = await withDead(6);
    answerWith(200);
    const { id, queued } = await replay(uuid, [5, 2, 4, 2]);
    expect(queued).toBe(3);
    expect(await whenDone(uuid, id)).toEqual({ queued: 3, sent: 3, done: true, ...nothingFailed });
    expect(sequences(again())).toEqual([2, 4, 5]);
    expect(new Set(again().map(({ headers }) => headers.get("X-Orchest-Replay")))).toEqual(new Set([id]));
    expect(await deadOf(uuid)).toEqual([6, 3, 1]);
  });

  it("leaves out what is not a dead letter, and is none when nothing is left", async () => {
    const { uuid, again, answerWith } = await withDead(2);
    answerWith(200);
    await publish(makeEvents(1));
    await runAlarms(uuid, () => again().length === 1);
    expect((await replay(uuid, [1, 3, 99])).queued).toBe(1);
    await vi.waitFor(() => expect(again()).toHaveLength(2));
    expect(await laneOf(uuid).replayDead([1, 3, 99])).toBeNull();
    expect(await laneOf(uuid).replayDead([])).toBeNull();
    expect(sequences(again())).toEqual([3, 1]);
  });

  it("goes on after an eviction where it was, with its progress", async () => {
    const { uuid, again, answerWith } = await withDead(4);
    answerWith(200);
    await laneOf(uuid).pause();
    const { id } = await replay(uuid, [1, 2, 4]);
    await evictDurableObject(laneOf(uuid));
    expect(await progressOf(uuid, id)).toEqual({ queued: 3, sent: 0, done: false, ...nothingFailed });
    await laneOf(uuid).resume();
    expect(await whenDone(uuid, id)).toMatchObject({ queued: 3, sent: 3 });
    expect(sequences(again())).toEqual([1, 2, 4]);
    expect(await deadOf(uuid)).toEqual([3]);
  });

  it("sends a letter once that two of them have, when the first one delivers it", async () => {
    const { uuid, again, answerWith } = await withDead(2);
    answerWith(200);
    await laneOf(uuid).pause();
    const [first, second] = [await replay(uuid, [1, 2]), await replay(uuid, [2])];
    await laneOf(uuid).resume();
    expect(await whenDone(uuid, first.id)).toMatchObject({ queued: 2, sent: 2 });
    expect(await whenDone(uuid, second.id)).toMatchObject({ queued: 1, sent: 0 });
    expect(sequences(again())).toEqual([1, 2]);
  });

  it("is forgotten with its picks a month after it was done", async () => {
    const { uuid, answerWith } = await withDead(2);
    answerWith(200);
    const { id } = await replay(uuid, [1]);
    await whenDone(uuid, id);
    vi.setSystemTime(Date.now() + 31 * 86_400_000);
    // It may take the place of the forgotten one.
    const next = await replay(uuid, [2]);
    await whenDone(uuid, next.id);
    expect(await laneOf(uuid).replayProgress(id)).toBeNull();
    expect(await progressOf(uuid, next.id)).toEqual({ queued: 1, sent: 1, done: true, ...nothingFailed });
  });
});

describe("a replay of all dead letters", () => {
  it("has exactly as many as there are", async () => {
    const { uuid, again, answerWith } = await withDead(3);
    answerWith(200);
    const { id, queued } = await replay(uuid);
    expect(queued).toBe(3);
    expect(await whenDone(uuid, id)).toEqual({ queued: 3, sent: 3, done: true, ...nothingFailed });
    expect(sequences(again())).toEqual([1, 2, 3]);
    expect(await laneOf(uuid).replayDead()).toBeNull();
  });

  it("says how many were given up again: they stay in the list", async () => {
    const { uuid, again } = await withDead(2);
    const { id } = await replay(uuid);
    await runAlarms(uuid, () => again().length >= 2);
    expect(await whenDone(uuid, id)).toEqual({
      queued: 2,
      sent: 2,
      done: true,
      ...nothingFailed,
      givenUp: 2,
      stopped: false,
    });
    expect(await deadOf(uuid)).toEqual([2, 1]);
  });
});

it("the progress of a replay whose next one has failed says how often, and when it is tried again", async () => {
  let status = 500;
  const { received } = receiver(() => new Response(null, { status }));
  const { uuid } = await makeListener({ retry: { max_attempts: 2 } });
  await publish(makeEvents(1));
  await runAlarms(uuid, () => received.length === 2);
  const { id } = await replay(uuid);
  const progress = await vi.waitFor(async () => {
    const now = await progressOf(uuid, id);
    expect(now.failures).toBe(1);
    return now;
  });
  expect(progress).toMatchObject({ queued: 1, sent: 0, done: false, givenUp: 0 });
  expect(progress.retryAt).toBeGreaterThan(Date.now());
  status = 200;
  await runAlarms(uuid, () => received.length === 4);
  expect(await whenDone(uuid, id)).toEqual({ queued: 1, sent: 1, done: true, ...nothingFailed });
});

describe("the list of dead letters", () => {
  it("is newest first, in pages, with how many there are in all and when each was last tried", async () => {
    const { uuid } = await withDead(3);
    const lane = laneOf(uuid);
    const first = await lane.deadLetters({ limit: 2 });
    expect(first.count).toBe(3);
    expect(first.deliveries.map(({ sequence }) => sequence)).toEqual([3, 2]);
    expect(first.deliveries.map(({ lastAttemptAt }) => typeof lastAttemptAt)).toEqual(["number", "number"]);
    const second = await lane.deadLetters({ limit: 2, before: first.next ?? 0 });
    expect(second.deliveries.map(({ sequence }) => sequence)).toEqual([1]);
    expect(second).toMatchObject({ next: null, count: 3 });
  });

  it("of a deleted webhook is empty", async () => {
    const { uuid } = await withDead(1);
    await laneOf(uuid).close();
    expect(await laneOf(uuid).deadLetters({ limit: 2 })).toEqual({ count: 0, deliveries: [], next: null });
    expect(await laneOf(uuid).replayDead()).toBeNull();
  });
});
