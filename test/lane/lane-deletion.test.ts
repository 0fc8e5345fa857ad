import { runInDurableObject } from "cloudflare:test";
import { markDeleted } from "../../src/webhooks/webhooks";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, notifications } from "../api";
import { stopClock } from "../clock";
import { makeEvent, makeEvents, makeListener, publish } from "../event";
import { alarmOf, configOf, handoverEvent, laneOf, runAlarm, runAlarms } from "../lane";
import { type Answering, receiver, type Received } from "../receiver";

const dayMs = 86_400_000;

beforeEach(stopClock);

async function remove(uuid: string): Promise<void> {
  expect((await api("DELETE", `${notifications}/subscribers/${uuid}`)).status).toBe(201);
}

/** The tables in the lane's storage, and how many rows they have together. */
function storageOf(uuid: string): Promise<{ tables: string[]; rows: number }> {
  return runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => {
    const tables = sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .toArray()
      .map(({ name }) => name);
    const counts = tables.map((name) => sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${name}`).one().n);
    return { tables, rows: counts.reduce((sum, count) => sum + count, 0) };
  });
}

/** A webhook with three deliveries, of which the first was answered so. */
async function begin(first: Answering): Promise<{ uuid: string; received: Received[] }> {
  const { received } = receiver((request, index) => (index === 0 ? first(request, index) : new Response()));
  const { uuid } = await makeListener();
  await publish(makeEvents(3));
  await vi.waitFor(() => expect(received).toHaveLength(1));
  return { uuid, received };
}

const failed = (): Response => new Response(null, { status: 500 });

describe("deleting a webhook", () => {
  it("ends its deliveries", async () => {
    const { uuid, received } = await begin(failed);
    await remove(uuid);
    await runAlarms(uuid);
    await publish(makeEvent());
    expect(received).toHaveLength(1);
  });

  it("frees its lane's storage but for a word that it is gone, and a day later that, too", async () => {
    const { uuid } = await begin(failed);
    await remove(uuid);
    expect(await storageOf(uuid)).toEqual({ tables: ["lane"], rows: 1 });
    expect(await alarmOf(uuid)).toBe(Date.now() + dayMs);
    await runAlarm(uuid, dayMs);
    expect(await storageOf(uuid)).toMatchObject({ rows: 0 });
    expect(await alarmOf(uuid)).toBeNull();
  });

  it("leaves nothing of its URL and its secret in the lane", async () => {
    const { uuid } = await begin(failed);
    const { sealed } = await configOf(uuid);
    await remove(uuid);
    const row = await runInDurableObject(laneOf(uuid), (_, { storage }) =>
      JSON.stringify(storage.sql.exec("SELECT * FROM lane").toArray()),
    );
    expect(row).not.toContain(sealed);
    expect(await env.DB.prepare("SELECT count(*) AS n FROM webhooks").first("n")).toBe(0);
  });

  it("while a request is under way lets it end, and sends nothing after it", async () => {
    let webhook = "";
    const { received } = receiver(async () => {
      await remove(webhook);
      return failed();
    });
    const { uuid } = await makeListener();
    webhook = uuid;
    await publish(makeEvents(3));
    await vi.waitFor(async () => expect(await storageOf(uuid)).toMatchObject({ tables: ["lane"] }));
    await runAlarms(uuid, () => received.length > 1);
    expect(received).toHaveLength(1);
  });

  it("twice does no harm", async () => {
    const { uuid } = await begin(failed);
    await remove(uuid);
    await remove(uuid);
    expect(await storageOf(uuid)).toEqual({ tables: ["lane"], rows: 1 });
  });
});

describe("a lane whose webhook was deleted", () => {
  it("answers a dispatch that is under way with a refusal, and takes nothing", async () => {
    const { uuid, received } = await begin(failed);
    const config = await configOf(uuid);
    await remove(uuid);
    const answer = await laneOf(uuid).accept({ config, events: [handoverEvent(makeEvent())] });
    expect(answer).toEqual({ outcome: "refused", because: "deleted" });
    expect(await storageOf(uuid)).toEqual({ tables: ["lane"], rows: 1 });
    await runAlarms(uuid);
    expect(received).toHaveLength(1);
  });

  it("takes no configuration that arrives late", async () => {
    const { uuid } = await begin(failed);
    const config = await configOf(uuid);
    await remove(uuid);
    await laneOf(uuid).configure(config);
    const answer = await laneOf(uuid).accept({ config, events: [handoverEvent(makeEvent())] });
    expect(answer).toEqual({ outcome: "refused", because: "deleted" });
  });

  it("counts in no publisher's answer", async () => {
    const { uuid } = await begin(failed);
    await remove(uuid);
    expect((await publish(makeEvent())).body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 0 });
  });
});

it("a deletion that stopped half-way is one for dispatch: nothing is delivered any more", async () => {
  const { received } = receiver();
  const { uuid } = await makeListener();
  await markDeleted(env, uuid);
  expect((await publish(makeEvent())).body.accepted[0]?.deliveries).toBe(0);
  expect(received).toEqual([]);
});
