import { createScheduledController, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import takeOver from "../../migrations/0016_take_over_handovers.sql?raw";
import { pruneOldArchive } from "../../src/events/old-archive/retention";
import { shardStub } from "../../src/events/shard/shard-of";
import gateway from "../../src/index";
import { api, notifications } from "../api";
import { passTime, stopClock } from "../clock";
import {
  archiveAsBefore,
  eventUuidsIn,
  makeEvent,
  makeEvents,
  makeListener,
  publish,
  runShardAlarms,
} from "../event";
import { laneOf, runAlarms } from "../lane";
import { receiver } from "../receiver";

const shards = Array.from({ length: Number(env.EVENT_SHARDS) }, (_, shard) => shard);
const dayMs = 86_400_000;

beforeEach(stopClock);

/** What the shards say of the archive that they take over. */
function states(): Promise<string[]> {
  return Promise.all(
    shards.map((shard) =>
      runInDurableObject(shardStub(env, shard), (_, { storage }) => {
        const { record } = storage.sql.exec<{ record: string }>("SELECT record FROM shard").one();
        return (JSON.parse(record) as { oldArchive: string }).oldArchive;
      }),
    ),
  );
}

/** Has the shards copy what there is, and lets the time pass in which the version before may still write. */
async function finishTakeOver(): Promise<void> {
  await publish(makeEvents(50));
  await runShardAlarms();
  passTime(600_000);
  await runShardAlarms();
  expect(await states()).toEqual(shards.map(() => "read"));
}

describe("events that were archived before there were shards", () => {
  it("are known at once and after they were taken over: a repeat is one, another text is refused", async () => {
    const { received } = receiver();
    const old = makeEvents(200);
    await archiveAsBefore(old.slice(0, 100));
    await archiveAsBefore(old.slice(100));
    await makeListener();
    for (const when of ["at once", "after the take-over"]) {
      const first = old[when === "at once" ? 0 : 100];
      const again = await publish(first);
      expect(again.body.accepted, when).toEqual([{ uuid: first?.uuid, duplicate: false, deliveries: 1 }]);
      expect((await publish(first)).body.accepted[0], when).toMatchObject({ duplicate: true });
      expect((await publish({ ...first, note: "other" })).status, when).toBe(409);
      const all = old.slice(when === "at once" ? 1 : 101, when === "at once" ? 100 : 200);
      expect((await publish(all.map(({ uuid }) => makeEvent({ uuid, note: "other" })))).status, when).toBe(
        409,
      );
      if (when === "at once") await finishTakeOver();
    }
    expect((await publish(makeEvent())).body.accepted[0]).toMatchObject({ duplicate: false });
    await vi.waitFor(() => expect(received).toHaveLength(53));
  });

  it("are asked for in D1 only until they are taken over, also by a shard that restarts", async () => {
    receiver();
    await archiveAsBefore(makeEvents(10));
    await finishTakeOver();
    for (const shard of shards) await evictDurableObject(shardStub(env, shard));
    const database = Object.getPrototypeOf(env.DB) as D1Database;
    const queries = vi.spyOn(database, "prepare");
    for (const event of makeEvents(10)) expect((await publish(event)).status).toBe(202);
    expect(queries).not.toHaveBeenCalled();
  });

  it("stop publishing while D1 is gone and they are not taken over: a repeat could not be told", async () => {
    receiver();
    await archiveAsBefore(makeEvents(10));
    await publish(makeEvents(20));
    vi.spyOn(Object.getPrototypeOf(env.DB) as D1Database, "prepare").mockImplementation(() => {
      throw new Error("D1 is gone");
    });
    const { status, headers } = await publish(makeEvent());
    expect([status, headers.get("Retry-After")]).toEqual([503, "1"]);
  });

  it("are found, with their texts, and sent by a replay of what is missing, before those of the shards", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    const old = makeEvents(3);
    await archiveAsBefore(old);
    expect((await api<{ event: unknown }>("GET", `/api/events/${old[1]?.uuid}`)).body.event).toEqual(old[1]);
    passTime(1000);
    const since = new Date(Date.now() - 2000).toISOString();
    await api("POST", `${notifications}/subscribers/${uuid}/replay`, { since, status: "missing" });
    await runAlarms(uuid, () => received.length === 3);
    expect(eventUuidsIn(received)).toEqual(old.map((event) => event.uuid));
    expect(await laneOf(uuid).stats()).toMatchObject({ counts: { delivered: 3 } });
  });

  it("are forgotten with their time, and the shards forget them then", async () => {
    receiver();
    const [old] = makeEvents(1);
    await archiveAsBefore([old ?? makeEvent()]);
    await finishTakeOver();
    expect(await pruneOldArchive(env.DB, { now: Date.now(), keptMs: dayMs })).toEqual({ deleted: 0 });
    passTime(2 * dayMs);
    expect(await pruneOldArchive(env.DB, { now: Date.now(), keptMs: dayMs })).toEqual({ deleted: 1 });
    await runShardAlarms();
    expect(await states()).toEqual(shards.map(() => "none"));
    expect((await publish(old)).body.accepted[0]).toMatchObject({ duplicate: false });
  });
});

describe("hand-overs that waited before there were shards", () => {
  it("go on: in order and once, also those for very many webhooks; those without an event are set aside", async () => {
    const { received } = receiver();
    const [first, second] = [await makeListener(), await makeListener({ url: "https://two.example.com/" })];
    const events = makeEvents(3);
    await archiveAsBefore(events.slice(0, 1));
    await archiveAsBefore(events.slice(1));
    const statements = takeOver.split("--> statement-breakpoint").map((text) => text.trim());
    await env.DB.batch([
      env.DB.prepare(
        `CREATE TABLE handovers_before (id integer PRIMARY KEY, webhook_id integer, event_id integer, cursor integer DEFAULT 0)`,
      ),
      env.DB.prepare(
        `INSERT INTO handovers_before (webhook_id, event_id, cursor) VALUES (1, 1, 0), (1, 99, 0), (NULL, 2, 1), (1, 3, 0)`,
      ),
      ...statements.map((statement) => env.DB.prepare(statement)),
    ]);
    const { results } = await env.DB.prepare("SELECT webhook_id, event_id, set_aside FROM handovers").all();
    expect(results).toEqual([
      { webhook_id: 1, event_id: 1, set_aside: null },
      { webhook_id: 1, event_id: 99, set_aside: "Its event is not stored any more." },
      { webhook_id: 2, event_id: 2, set_aside: null },
      { webhook_id: 1, event_id: 3, set_aside: null },
    ]);
    await gateway.scheduled(createScheduledController(), env);
    await vi.waitFor(() => expect(received).toHaveLength(3));
    const byUrl = Map.groupBy(received, ({ url }) => url);
    expect(eventUuidsIn(byUrl.get("https://two.example.com/") ?? [])).toEqual([events[1]?.uuid]);
    byUrl.delete("https://two.example.com/");
    expect(eventUuidsIn([...byUrl.values()].flat())).toEqual([events[0]?.uuid, events[2]?.uuid]);
    const left = await env.DB.prepare("SELECT count(*) AS n FROM waiting_events").first<number>("n");
    expect(left).toBe(0);
    expect(await env.DB.prepare("SELECT count(*) AS n FROM webhooks WHERE waits = 1").first("n")).toBe(0);
    expect(first.uuid).not.toBe(second.uuid);
  });
});
