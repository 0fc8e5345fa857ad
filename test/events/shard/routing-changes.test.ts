import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { commitRecord, pruneChanges } from "../../../src/events/shard/change-outcomes";
import { stopClock } from "../../clock";
import { laneOf } from "../../lane";
import { inShard, insertWebhook, matchAt, matchFails } from "./shard";

const minuteMs = 60_000;
const created = { type: "project:created", projectUuid: null, jobUuid: null };

/** Whether D1 cannot be reached, how often it was asked, and what the next answer has to wait for. */
const d1: { isGone: boolean; failures: number; batches: number; answer: (() => Promise<void>) | null } = {
  isGone: false,
  /** So many batches fail, and then none. */
  failures: 0,
  batches: 0,
  answer: null,
};

beforeEach(stopClock);
beforeEach(() => {
  Object.assign(d1, { isGone: false, failures: 0, batches: 0, answer: null });
  const batch = env.DB.batch.bind(env.DB);
  vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
    d1.batches += 1;
    d1.failures -= 1;
    if (d1.isGone || d1.failures >= 0) throw new Error("D1_ERROR: Network connection lost.");
    const { answer } = d1;
    d1.answer = null;
    const results = await batch<never>(statements);
    await answer?.();
    return results;
  });
});
afterEach(() => Object.assign(d1, { isGone: false }));

const announce = (id: string): Promise<void> =>
  inShard("a", ({ changes }) => changes.announce(id, Date.now()));
const announced = (): Promise<unknown[]> =>
  inShard("a", ({ state }) => state.storage.sql.exec("SELECT id FROM routing_announcements").toArray());
const evict = (): Promise<void> => evictDurableObject(laneOf("a"));
const maintain = (later: number): Promise<void> =>
  inShard("a", ({ changes }) => changes.maintain(Date.now() + later));

/** Commits the change `id`: a webhook that hears `project:created`. */
async function commit(id: string): Promise<void> {
  await env.DB.batch([
    commitRecord(id, { at: Date.now(), announcedTo: 2 }).statement(env.DB),
    env.DB.prepare(
      `INSERT INTO webhooks (uuid, name, origin, sealed, verify_ssl, content_type, created_at)
       VALUES (?, '', '', '', 1, 'application/json', 0)`,
    ).bind(id),
    env.DB.prepare(
      `INSERT INTO subscriptions (uuid, webhook_id, event_type, created_at)
       SELECT '', id, 'project:created', 0 FROM webhooks WHERE uuid = ?`,
    ).bind(id),
  ]);
}

it("a new shard pulls before it matches, and cannot without D1; from then on it asks nobody, also after a restart", async () => {
  await insertWebhook("w", "project:created");
  d1.isGone = true;
  expect(await matchAt("a")).toEqual(matchFails);
  d1.isGone = false;
  expect(await matchAt("a")).toEqual(["w"]);
  d1.isGone = true;
  expect(await matchAt("a")).toEqual(["w"]);
  await evict();
  expect(await matchAt("a")).toEqual(["w"]);
});

it("a shard with an announcement pulls for each publish, also after a restart, and cannot match without D1", async () => {
  expect(await matchAt("a")).toEqual([]);
  await announce("x");
  await evict();
  await insertWebhook("w", "project:created");
  expect(await matchAt("a")).toEqual(["w"]);
  d1.isGone = true;
  expect(await matchAt("a")).toEqual(matchFails);
  await inShard("a", ({ changes }) => changes.withdraw("x"));
  expect(await matchAt("a")).toEqual(["w"]);
});

it("an announcement goes with apply, or with any pull once D1 says what became of the change", async () => {
  await announce("x");
  await commit("x");
  await inShard("a", ({ changes }) => changes.apply("x"));
  expect(await announced()).toEqual([]);
  await announce("y");
  await announce("z");
  await commit("y");
  expect(await matchAt("a")).toEqual(["x", "y"]);
  expect(await announced()).toEqual([{ id: "z" }]);
});

it("a pull that fails is tried again twice", async () => {
  await insertWebhook("w", "project:created");
  d1.failures = 2;
  expect(await matchAt("a")).toEqual(["w"]);
  await announce("x");
  d1.failures = 3;
  expect(await matchAt("a")).toEqual(matchFails);
});

it("an apply that cannot reach D1 leaves the announcement", async () => {
  await announce("x");
  await commit("x");
  d1.isGone = true;
  await inShard("a", ({ changes }) => changes.apply("x"));
  expect(await announced()).toEqual([{ id: "x" }]);
  d1.isGone = false;
  expect(await matchAt("a")).toEqual(["x"]);
});

it("publishes at the same time share pulls, each that began after they came", async () => {
  await matchAt("a");
  await announce("x");
  d1.batches = 0;
  const shared = await inShard("a", async ({ changes }) => {
    const first = changes.current();
    const others = Array.from({ length: 50 }, () => changes.current());
    return { results: await Promise.all([first, ...others]), batches: d1.batches };
  });
  expect(shared).toEqual({ results: Array.from({ length: 51 }, () => true), batches: 2 });
});

it("a publish sees what was committed while an earlier pull was under way", async () => {
  await matchAt("a");
  await announce("x");
  const seen = await inShard("a", async ({ changes, replica }) => {
    const read = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    d1.answer = () => {
      read.resolve();
      return goOn.promise;
    };
    const early = changes.current();
    await read.promise;
    await commit("x");
    const late = changes.current();
    goOn.resolve();
    await early;
    const seenEarly = replica.match([created]).length;
    await late;
    return [seenEarly, replica.match([created]).length];
  });
  expect(seen).toEqual([0, 1]);
});

it("an announcement that its writer abandoned stops no publish without D1, and maintenance ends it", async () => {
  await matchAt("a");
  await announce("x");
  await inShard("a", ({ changes }) => changes.abandon("x", Date.now()));
  d1.isGone = true;
  expect(await matchAt("a")).toEqual([]);
  await maintain(0);
  expect(await announced()).toEqual([{ id: "x" }]);
  d1.isGone = false;
  // It waits 5 s before it asks again.
  await maintain(4000);
  expect(await announced()).toEqual([{ id: "x" }]);
  await maintain(6000);
  expect(await announced()).toEqual([]);
  await expect(commit("x")).rejects.toThrow("UNIQUE");
  expect(await matchAt("a")).toEqual([]);
});

it("an announcement older than a minute goes: the change is there, or can never be", async () => {
  await matchAt("a");
  await announce("committed");
  await announce("neither");
  await commit("committed");
  await maintain(minuteMs - 1000);
  expect(await announced()).toHaveLength(2);
  const at = await inShard("a", ({ changes }) => changes.maintenanceAt);
  expect(at).toBe(Date.now() + minuteMs);
  await maintain(minuteMs + 1000);
  expect(await announced()).toEqual([]);
  expect(await inShard("a", ({ changes }) => changes.maintenanceAt)).toBeNull();
  d1.isGone = true;
  expect(await matchAt("a")).toEqual(["committed"]);
  d1.isGone = false;
  await expect(commit("neither")).rejects.toThrow("UNIQUE");
});

it("a database that was restored from a backup is read anew", async () => {
  await insertWebhook("kept", "project:created");
  await insertWebhook("lost", "project:created");
  expect(await matchAt("a")).toEqual(["kept", "lost"]);
  await env.DB.exec(
    "DELETE FROM webhooks WHERE uuid = 'lost'; DELETE FROM routing_removed; UPDATE routing SET version = 3",
  );
  await announce("x");
  expect(await matchAt("a")).toEqual(["kept"]);
});

it("a database that was restored from a backup and has changed as often since is read anew, too", async () => {
  await insertWebhook("kept", "project:created");
  await insertWebhook("lost", "project:created");
  await announce("x");
  await env.DB.batch([commitRecord("x", { at: Date.now(), announcedTo: 2 }).statement(env.DB)]);
  expect(await matchAt("a")).toEqual(["kept", "lost"]);
  const version = await env.DB.prepare("SELECT version FROM routing").first<number>("version");
  await env.DB.exec(
    "DELETE FROM webhooks WHERE uuid = 'lost'; DELETE FROM routing_removed; DELETE FROM routing_changes; UPDATE routing SET version = 3",
  );
  await insertWebhook("new", "project:created");
  await env.DB.prepare("UPDATE routing SET version = ?").bind(version).run();
  await announce("y");
  await env.DB.batch([commitRecord("y", { at: Date.now(), announcedTo: 2 }).statement(env.DB)]);
  expect(await matchAt("a")).toEqual(["kept", "new"]);
});

it("what became of changes is forgotten after a week, but for the latest one", async () => {
  const day = 86_400_000;
  for (const id of ["x", "y", "z"]) await commit(id);
  await pruneChanges(env.DB, Date.now() + 6 * day);
  expect((await env.DB.prepare("SELECT id FROM routing_changes").all()).results).toHaveLength(3);
  await pruneChanges(env.DB, Date.now() + 8 * day);
  expect((await env.DB.prepare("SELECT id FROM routing_changes").all()).results).toEqual([{ id: "z" }]);
});

it("a pull writes nothing to D1 once it is known how many shards there are", async () => {
  expect(await matchAt("a")).toEqual([]);
  const queries: string[] = [];
  const prepare = env.DB.prepare.bind(env.DB);
  vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
    queries.push(query.trim());
    return prepare(query);
  });
  await insertWebhook("w", "project:created");
  queries.length = 0;
  await announce("x");
  expect(await matchAt("a")).toEqual(["w"]);
  expect(await matchAt("b")).toEqual(["w"]);
  expect(queries.length).toBeGreaterThan(0);
  expect(queries.filter((query) => !query.startsWith("SELECT"))).toEqual([]);
});
