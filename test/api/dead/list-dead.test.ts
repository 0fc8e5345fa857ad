import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { api, makeWebhook } from "../../api";
import { stopClock } from "../../clock";
import { allPages, change, deliveriesOf } from "../../deliveries";
import { makeEvents, makeListener, publish } from "../../event";
import { runAlarm, runAlarms } from "../../lane";
import { receiver } from "../../receiver";

type Dead = { uuid: string; name: string; url: string; dead_letters: number };
type DeadAnswer = { webhooks: Dead[]; next_cursor: string | null };

beforeEach(stopClock);

/** As a lane tells D1. */
async function setDead(uuid: string, count: number): Promise<void> {
  await env.DB.prepare("UPDATE webhooks SET dead_letters = ? WHERE uuid = ?").bind(count, uuid).run();
}

/** The uuids on each page of so many. */
async function pagesOf(limit: number): Promise<string[][]> {
  const pages = await allPages<DeadAnswer>(`/api/dead?limit=${limit}`);
  return pages.map(({ webhooks }) => webhooks.map(({ uuid }) => uuid));
}

describe("GET /api/dead", () => {
  it("is empty at first, and leaves out webhooks without dead letters", async () => {
    await makeWebhook();
    const { status, body } = await api<DeadAnswer>("GET", "/api/dead");
    expect(status).toBe(200);
    expect(body).toEqual({ webhooks: [], next_cursor: null });
  });

  it("counts what was given up, per webhook, and shows of its URL only the origin", async () => {
    receiver(() => new Response(null, { status: 500 }));
    const { uuid } = await makeListener({ name: "Stuck", retry: { max_attempts: 1 } });
    await publish(makeEvents(3));
    await runAlarms(uuid);
    const { body, text } = await api<DeadAnswer>("GET", "/api/dead");
    expect(body.webhooks).toEqual([
      { uuid, name: "Stuck", url: "https://hooks.example.com", dead_letters: 3 },
    ]);
    expect(await deliveriesOf(uuid, "?status=dead")).toHaveLength(3);
    expect(text).not.toContain("secret");
  });

  it("counts what was skipped", async () => {
    receiver(() => new Response(null, { status: 500 }));
    const { uuid } = await makeListener();
    await publish(makeEvents(2));
    await change("skip", uuid, 2);
    await runAlarm(uuid);
    expect((await api<DeadAnswer>("GET", "/api/dead")).body.webhooks).toMatchObject([
      { uuid, dead_letters: 1 },
    ]);
  });

  it("has pages in order of creation that end with a null, also where the last one is full", async () => {
    const uuids: string[] = [];
    for (let count = 1; count <= 4; count++) {
      const { uuid } = await makeWebhook();
      uuids.push(uuid);
      await setDead(uuid, count);
      await makeWebhook();
    }
    expect(await pagesOf(2)).toEqual([uuids.slice(0, 2), uuids.slice(2)]);
    expect(await pagesOf(3)).toEqual([uuids.slice(0, 3), uuids.slice(3)]);
  });

  it("leaves out what is being deleted", async () => {
    const { uuid } = await makeWebhook();
    await setDead(uuid, 1);
    await env.DB.prepare("UPDATE webhooks SET deleted_at = 1").run();
    expect((await api<DeadAnswer>("GET", "/api/dead")).body.webhooks).toEqual([]);
  });

  it.each(["limit=0", "limit=101", "cursor=x"])("refuses %s", async (query) => {
    const { status, body } = await api("GET", `/api/dead?${query}`);
    expect(status).toBe(400);
    expect(body.message).toContain(query.split("=")[0]);
  });

  it("needs a token", async () => {
    expect((await api("GET", "/api/dead", undefined, { token: null })).status).toBe(401);
  });
});
