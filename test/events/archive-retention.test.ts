import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { archiveCompleteSince, pruneArchive } from "../../src/events/archive-retention";
import { archiveSlots, emptySlot } from "../../src/events/archive-slots";
import { appendHandovers } from "../../src/events/handovers";
import { passTime, restartClock, stopClock } from "../clock";
import { archived, makeEvent, makeEvents, makeListener, publish } from "../event";
import { captureLog } from "../receiver";

const dayMs = 86_400_000;
const keptMs = 30 * dayMs;
/** A slot of these limits spans so many days; the next one is turned to just behind them. */
const spanDays = 10;

beforeEach(() => {
  stopClock();
  captureLog();
});
afterEach(restartClock);

/** What cron does, with room for everything unless it is said otherwise. */
function prune(bytesMax = 1e9): Promise<{ deleted: number }> {
  return pruneArchive(env.DB, { now: Date.now(), keptMs, bytesMax });
}

/** Publishes so many events together. @returns their uuids. */
async function archive(count: number): Promise<string[]> {
  const events = makeEvents(count);
  await publish(events);
  return events.map((event) => event.uuid);
}

/** Lets days pass, as cron sees them. @returns how many events were forgotten. */
async function passDays(days: number): Promise<number> {
  let deleted = 0;
  for (let day = 0; day < days; day += 1) {
    passTime(dayMs);
    deleted += (await prune()).deleted;
  }
  return deleted;
}

async function uuids(): Promise<string[]> {
  return (await archived()).map((event) => event.uuid);
}

async function ids(): Promise<number[]> {
  const { results } = await env.DB.prepare("SELECT id FROM events ORDER BY id").all<{ id: number }>();
  return results.map(({ id }) => id);
}

/** The tables and what is in them, as SQLite keeps it: without what differs in how it was written. */
async function tables(): Promise<string[]> {
  const { results } = await env.DB.prepare(
    "SELECT sql FROM sqlite_master WHERE type = 'table' AND name LIKE 'archive_%' ORDER BY name",
  ).all<{ sql: string }>();
  return results.map(({ sql }) => sql.toLowerCase().replaceAll(/[`"\s]/g, ""));
}

/** How much the current slot holds, as it was last counted. */
function bytes(): Promise<number | null> {
  return env.DB.prepare("SELECT bytes FROM archive_size").first<number>("bytes");
}

/** @returns how many rows it takes to archive so many events of one request. */
async function rowsWritten(count: number): Promise<number> {
  const rows = makeEvents(count).map(({ uuid }) => [uuid, "project:created", null, null, "", "{}"]);
  const { meta } = await env.DB.prepare("INSERT INTO archive_requests (accepted_at, events) VALUES (?, ?)")
    .bind(Date.now(), JSON.stringify(rows))
    .run();
  return meta.rows_written;
}

describe("the archive", () => {
  it("creates its tables again as the migrations did", async () => {
    const migrated = await tables();
    await env.DB.batch(archiveSlots.flatMap((slot) => emptySlot(env.DB, slot)));
    expect(await tables()).toEqual(migrated);
  });

  it("keeps everything for the retention time, and prunes it within another third", async () => {
    const [first, second] = [await archive(3), await passDays(spanDays / 2).then(() => archive(2))];
    expect(await passDays(25)).toBe(0);
    expect(await uuids()).toEqual([...first, ...second]);
    expect(await passDays(spanDays)).toBe(5);
    expect(await uuids()).toEqual([]);
  });

  it("prunes in order of acceptance: events that are younger by a slot's span stay longer", async () => {
    await archive(1);
    await passDays(spanDays + 1);
    const younger = await archive(1);
    expect(await passDays(spanDays * 2)).toBe(1);
    expect(await uuids()).toEqual(younger);
  });

  it("goes on to the next slot when one has a quarter of the maximum size, and prunes the oldest", async () => {
    const published: string[] = [];
    for (const _ of [...archiveSlots, "one more"]) {
      published.push(...(await archive(1)));
      await prune(1);
    }
    expect(await uuids()).toEqual(published.slice(-archiveSlots.length + 1));
  });

  it("never reuses ids, whatever was pruned", async () => {
    await archive(2);
    await passDays(50);
    expect(await ids()).toEqual([]);
    await archive(2);
    expect(await ids()).toEqual([3, 4]);
  });

  it("accepts a pruned uuid as a new one", async () => {
    const event = makeEvent();
    await publish(event);
    await passDays(50);
    const { body } = await publish(event);
    expect(body.accepted).toMatchObject([{ duplicate: false }]);
  });

  it("keeps events with pending hand-overs", async () => {
    const { uuid } = await makeListener();
    const [first] = await archive(2);
    const row = await env.DB.prepare("SELECT id FROM webhooks WHERE uuid = ?")
      .bind(uuid)
      .first<{ id: number }>();
    await appendHandovers(env.DB, row?.id ?? 0, [first ?? ""]);
    expect(await passDays(50)).toBe(0);
    expect(await uuids()).toContain(first);
    await env.DB.prepare("DELETE FROM handovers").run();
    expect(await passDays(1)).toBe(2);
  });

  it("says from when on it is whole", async () => {
    await archive(1);
    const newest = Date.now();
    expect(await archiveCompleteSince(env.DB)).toBe(0);
    await passDays(50);
    expect(await archiveCompleteSince(env.DB)).toBe(newest + 1);
  });

  it("is counted on from where the last run ended", async () => {
    await archive(2);
    await prune();
    const first = await bytes();
    expect(first).toBeGreaterThan(2 * 200);
    await archive(2);
    await prune();
    expect(await bytes()).toBe(2 * (first ?? 0));
  });

  it("writes two rows for a single event, one and a bit for each of a hundred, and next to none to forget them", async () => {
    expect(await rowsWritten(1)).toBe(2);
    expect(await rowsWritten(100)).toBe(101);
    const emptied = await env.DB.batch(emptySlot(env.DB, 0));
    const rows = emptied.reduce((sum, { meta }) => sum + meta.rows_written, 0);
    expect(rows).toBeLessThanOrEqual(emptied.length);
  });
});
