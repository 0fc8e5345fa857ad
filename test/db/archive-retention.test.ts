import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { archiveWholeFrom, pruneArchive } from "../../src/db/archive-retention";
import { appendHandovers } from "../../src/db/handovers";
import { passTime, restartClock, stopClock } from "../clock";
import { archived, makeEvents, makeListener, publish } from "../event";
import { captureLog } from "../receiver";

const unlimited = { before: 0, bytesMax: 1e9 };

beforeEach(() => {
  stopClock();
  captureLog();
});
afterEach(restartClock);

/** Publishes so many events, a second apart. @returns their uuids. */
async function archive(count: number): Promise<string[]> {
  const events = makeEvents(count);
  for (const event of events) {
    await publish(event);
    passTime(1000);
  }
  return events.map((event) => event.uuid);
}

async function uuids(): Promise<string[]> {
  return (await archived()).map((event) => event.uuid);
}

describe("the archive", () => {
  it("forgets what was accepted before a time, and keeps the rest", async () => {
    const [first, second, third] = await archive(3);
    const before = Date.now() - 2000;
    expect(await pruneArchive(env.DB, { ...unlimited, before })).toEqual({ deleted: 1 });
    expect(await uuids()).toEqual([second, third]);
    expect(await uuids()).not.toContain(first);
  });

  it("forgets the oldest when it takes too much, until it does not", async () => {
    const all = await archive(5);
    await pruneArchive(env.DB, unlimited);
    const size = await env.DB.prepare("SELECT bytes FROM archive_size").first<{ bytes: number }>();
    expect(size?.bytes).toBeGreaterThan(5 * 300);
    await pruneArchive(env.DB, { before: 0, bytesMax: 1 });
    expect(await uuids()).toEqual(all.slice(-1));
  });

  it("keeps its newest event, so that ids never begin anew", async () => {
    const all = await archive(2);
    await pruneArchive(env.DB, { before: Date.now() + 1, bytesMax: 1e9 });
    expect(await uuids()).toEqual(all.slice(-1));
  });

  it("keeps what waits to be handed over", async () => {
    const { uuid } = await makeListener();
    const [first] = await archive(2);
    const row = await env.DB.prepare("SELECT id FROM webhooks WHERE uuid = ?")
      .bind(uuid)
      .first<{ id: number }>();
    await appendHandovers(env.DB, row?.id ?? 0, [first ?? ""]);
    await pruneArchive(env.DB, { before: Date.now() + 1, bytesMax: 1e9 });
    expect(await uuids()).toContain(first);
  });

  it("says from when on it is whole", async () => {
    await archive(3);
    expect(await archiveWholeFrom(env.DB)).toBe(0);
    const before = Date.now() - 2000;
    await pruneArchive(env.DB, { ...unlimited, before });
    expect(await archiveWholeFrom(env.DB)).toBe(before - 1000 + 1);
  });

  it("is counted on from where the last run ended", async () => {
    await archive(2);
    await pruneArchive(env.DB, unlimited);
    const first = await env.DB.prepare("SELECT bytes FROM archive_size").first<{ bytes: number }>();
    await archive(2);
    await pruneArchive(env.DB, unlimited);
    const second = await env.DB.prepare("SELECT bytes FROM archive_size").first<{ bytes: number }>();
    expect(second?.bytes).toBe(2 * (first?.bytes ?? 0));
  });
});
