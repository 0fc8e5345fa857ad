import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { createApp } from "../../../src/app";
import { insertAuditEntry, pruneAudit } from "../../../src/db/audit";
import { api, makeWebhook, notifications, spec } from "../../api";
import { change, deliveryAt } from "../../deliveries";
import { makeEvent, makeListener, publish } from "../../event";
import { receiver } from "../../receiver";
import { makeToken, makeUsedToken } from "../../tokens";

type Entry = {
  id: number;
  at: string;
  actor: string;
  actor_name: string;
  action: string;
  target: string | null;
  detail: string | null;
  address: string | null;
};
type Page = { entries: Entry[]; next_cursor: string | null };

async function readAudit(query = ""): Promise<Page> {
  const { status, body, text } = await api<Page>("GET", `/api/audit${query}`);
  if (status !== 200) throw new Error(`No audit log: ${text}`);
  return body;
}

/** The newest entry. */
async function latest(): Promise<Entry | undefined> {
  return (await readAudit("?limit=1")).entries[0];
}

/** A webhook whose first delivery has failed once and waits. */
async function makeFailed(): Promise<{ uuid: string; delivery: string }> {
  receiver((_, index) => new Response(null, { status: index === 0 ? 500 : 200 }));
  const { uuid } = await makeListener();
  await publish(makeEvent());
  await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).status).toBe("failed"));
  return { uuid, delivery: (await deliveryAt(uuid, 1)).uuid };
}

const subscribers = `${notifications}/subscribers`;

describe("the audit log", () => {
  it("says who made a webhook, when and from where", async () => {
    const { id, token } = await makeUsedToken(["webhooks:write"], { name: "Ada" });
    const headers = { "CF-Connecting-IP": "2001:db8::1" };
    const before = Date.now();
    const { body } = await api<{ uuid: string }>("POST", `${subscribers}/webhooks`, spec, { token, headers });
    const entry = await latest();
    expect(entry).toEqual({
      id: expect.any(Number),
      at: expect.any(String),
      actor: `token:${id}`,
      actor_name: "Ada",
      action: "webhook.created",
      target: body.uuid,
      detail: null,
      address: "2001:db8::1",
    });
    expect(Date.parse(entry?.at ?? "")).toBeGreaterThanOrEqual(before);
  });

  it("tells the tokens of the setting apart, without showing them", async () => {
    await makeWebhook();
    const one = await latest();
    await api("POST", `${subscribers}/webhooks`, spec, { token: "second-token" });
    const two = await latest();
    expect(one?.actor).toMatch(/^bootstrap:[0-9a-f]{16}$/);
    expect(one?.actor_name).toMatch(/^API_TOKENS [0-9a-f]{4}$/);
    expect(two?.actor).not.toBe(one?.actor);
  });

  it("has no address where Cloudflare is not in front, and cuts what is none", async () => {
    await makeWebhook();
    expect((await latest())?.address).toBeNull();
    const headers = { "CF-Connecting-IP": "1".repeat(100) };
    await api("POST", `${subscribers}/webhooks`, spec, { headers });
    expect((await latest())?.address).toBe("1".repeat(64));
  });

  it.each<[action: string, method: string, path: string, body: unknown, detail: string | null]>([
    [
      "webhook.updated",
      "PUT",
      "/webhooks/{uuid}",
      { name: "b", secret: "new-secret", url: null },
      "name, secret",
    ],
    ["webhook.secret_rotated", "POST", "/{uuid}/rotate-secret", { secret: "new-secret" }, null],
    ["webhook.paused", "POST", "/{uuid}/pause", undefined, null],
    ["webhook.resumed", "POST", "/{uuid}/resume", undefined, null],
    ["webhook.deleted", "DELETE", "/{uuid}", undefined, null],
  ])("has %s", async (action, method, path, body, detail) => {
    const { uuid } = await makeWebhook();
    await api(method, subscribers + path.replace("{uuid}", uuid.toUpperCase()), body);
    expect(await latest()).toMatchObject({ action, target: uuid, detail });
  });

  it("has replays that are started", async () => {
    const { uuid } = await makeWebhook();
    const since = new Date().toISOString();
    const path = `${subscribers}/${uuid}/replay`;
    const { body } = await api<{ replay: string }>("POST", path, { since, status: "all" });
    expect(await latest()).toMatchObject({ action: "replay.started", target: uuid, detail: body.replay });
  });

  it("has deliveries that are given up and sent again", async () => {
    const { uuid, delivery } = await makeFailed();
    await change("skip", uuid, 1);
    expect(await latest()).toMatchObject({ action: "delivery.skipped", target: uuid, detail: delivery });
    await change("redeliver", uuid, 1);
    expect(await latest()).toMatchObject({ action: "delivery.redelivered", target: uuid, detail: delivery });
    await vi.waitFor(async () => expect((await deliveryAt(uuid, 1)).status).toBe("delivered"));
  });

  it("has rejected messages that are redriven, and not those that are rejected again", async () => {
    const { uuid } = makeEvent();
    await env.DB.batch(
      [JSON.stringify(makeEvent({ uuid })), "{"].map((body) =>
        env.DB.prepare(
          "INSERT INTO rejected (message_id, reason, body, received_at) VALUES ('m', 'why', ?, 1)",
        ).bind(body),
      ),
    );
    expect((await api("POST", "/api/rejected/1/redrive")).status).toBe(202);
    expect((await api("POST", "/api/rejected/2/redrive")).status).toBe(400);
    const { entries } = await readAudit();
    expect(entries).toMatchObject([{ action: "rejected.redriven", target: "1" }]);
  });

  it("has webhooks that are encrypted anew, and how many", async () => {
    await makeWebhook();
    const newKey = new Uint8Array(32).fill(7).toBase64();
    const settings = { ...env, ENCRYPTION_KEY: `${newKey},${env.ENCRYPTION_KEY}` };
    const request = { method: "POST", headers: { Authorization: "Bearer test-token" } };
    for (let i = 0; i < 2; i++) await createApp().request("/api/reencrypt", request, settings);
    const { entries } = await readAudit();
    expect(entries.filter(({ action }) => action === "webhooks.reencrypted")).toMatchObject([
      { target: null, detail: "1" },
    ]);
  });

  it("has tokens that are made and revoked, but no token", async () => {
    const { id, token } = await makeToken(["webhooks:read", "events:publish"]);
    expect(await latest()).toMatchObject({
      action: "token.created",
      target: id,
      detail: "webhooks:read, events:publish",
    });
    await api("DELETE", `/api/tokens/${id}`);
    expect(await latest()).toMatchObject({ action: "token.revoked", target: id, detail: null });
    await api("DELETE", `/api/tokens/${id}`);
    const { entries } = await readAudit();
    expect(entries.filter(({ action }) => action === "token.revoked")).toHaveLength(1);
    expect(JSON.stringify(entries)).not.toContain(token);
  });

  it("has nothing of what was refused or changed nothing", async () => {
    await api("POST", `${subscribers}/webhooks`, { ...spec, url: "ftp://x" });
    await api("DELETE", `${subscribers}/0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d`);
    await api("POST", `${subscribers}/webhooks`, spec, { token: null });
    await api("GET", subscribers);
    expect((await readAudit()).entries).toEqual([]);
  });

  it("holds no secret of a webhook", async () => {
    const { uuid } = await makeWebhook({ headers: { Authorization: "Bearer of-a-header" } });
    await api("PUT", `${subscribers}/webhooks/${uuid}`, {
      url: "https://other.example.com/hidden",
      secret: "x-secret",
    });
    await api("POST", `${subscribers}/${uuid}/rotate-secret`, { secret: "y-secret" });
    const rows = await env.DB.prepare("SELECT * FROM audit_entries").all();
    expect(rows.results).toHaveLength(3);
    expect(JSON.stringify(rows)).not.toMatch(
      /secret-of-the|path-is-secret|of-a-header|hidden|x-secret|y-secret|test-token/,
    );
  });

  it("does not undo a change when it cannot be written, and says so in the log", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    await env.DB.prepare("DROP TABLE audit_entries").run();
    const { uuid } = await makeWebhook();
    expect((await api("GET", `${subscribers}/${uuid}`)).status).toBe(200);
    expect(log).toHaveBeenCalledWith(expect.stringContaining('"message":"audit entry not written"'));
    expect(log).toHaveBeenCalledWith(expect.stringContaining(uuid));
  });
});

describe("GET /api/audit", () => {
  it("is newest first, in pages", async () => {
    const made: string[] = [];
    for (let i = 0; i < 3; i++) made.unshift((await makeWebhook()).uuid);
    const one = await readAudit("?limit=2");
    expect(one.entries.map(({ target }) => target)).toEqual(made.slice(0, 2));
    const two = await readAudit(`?limit=2&cursor=${one.next_cursor}`);
    expect(two.entries.map(({ target }) => target)).toEqual(made.slice(2));
    expect(two.next_cursor).toBeNull();
  });

  it.each(["limit=0", "limit=101", "cursor=-1"])("refuses ?%s", async (query) => {
    expect((await api("GET", `/api/audit?${query}`)).status).toBe(400);
  });

  it("forgets what is older than 400 days, and nothing else", async () => {
    const entry = {
      actor: "a",
      actorName: "a",
      action: "webhook.created",
      target: null,
      detail: null,
      address: null,
    };
    for (const at of [1000, 2000, 3000]) await insertAuditEntry(env, { ...entry, at });
    await pruneAudit(env, 2000);
    expect((await readAudit()).entries.map(({ at }) => Date.parse(at))).toEqual([3000, 2000]);
  });
});

/** What each changing path leaves in the log; null: nothing, as it changes nothing that people set. */
const audited: Record<string, string | null> = {
  "post /webhooks": "webhook.created",
  "post /webhooks/pre-creation-test-ping-delivery": null,
  "put /webhooks/{uuid}": "webhook.updated",
  "post /{uuid}/rotate-secret": "webhook.secret_rotated",
  "delete /{uuid}": "webhook.deleted",
  "post /{uuid}/deliveries/{delivery}/redeliver": "delivery.redelivered",
  "post /{uuid}/deliveries/{delivery}/skip": "delivery.skipped",
  "post /{uuid}/pause": "webhook.paused",
  "post /{uuid}/resume": "webhook.resumed",
  "post /{uuid}/replay": "replay.started",
  "post /api/events": null,
  "post /api/events/orchest": null,
  "post /api/rejected/{id}/redrive": "rejected.redriven",
  "post /api/reencrypt": "webhooks.reencrypted",
  "post /api/tokens": "token.created",
  "delete /api/tokens/{id}": "token.revoked",
};

it("has an answer for every path that changes something", () => {
  const document = createApp().getOpenAPI31Document({ openapi: "3.1.0", info: { title: "", version: "" } });
  const changing = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => method !== "get")
      .map((method) => `${method} ${path.replace(subscribers, "")}`),
  );
  expect(changing.toSorted()).toEqual(Object.keys(audited).toSorted());
});
