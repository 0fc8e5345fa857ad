import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app";
import { pruneAudit, pruneRefusals } from "../../src/db/audit";
import { api, makeWebhook, notifications, spec } from "../api";
import { change, deliveryAt } from "../deliveries";
import { fieldsOf } from "../pages/form";
import { get, post, signIn } from "../pages/page";
import { writer } from "../pages/webhooks/people";
import { makeEvent, makeListener, publish } from "../event";
import { receiver } from "../receiver";
import { makeToken, makeUsedToken } from "../tokens";

type Entry = {
  id: number;
  at: string;
  actor: string;
  actor_name: string;
  action: string;
  target: string | null;
  detail: string | null;
  address: string | null;
  count: number;
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

/** An entry about a test ping. */
function tested(target: string | null, detail: string): object {
  return { action: "webhook.tested", target, detail };
}

/** The lines about refusals, oldest first. */
async function refusals(): Promise<Entry[]> {
  const { entries } = await readAudit("?limit=100");
  return entries.filter(({ action }) => action.endsWith(".refused")).toReversed();
}

/** What a request from an address has beside the rest. */
function from(address: string): { headers: Record<string, string> } {
  return { headers: { "CF-Connecting-IP": address } };
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
      count: 1,
    });
    expect(Date.parse(entry?.at ?? "")).toBeGreaterThanOrEqual(before);
  });

  it("tells the tokens of the setting apart, without showing them", async () => {
    await makeWebhook();
    const one = await latest();
    await api("POST", `${subscribers}/webhooks`, spec, { token: "second-token-of-the-suite" });
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
    ["webhook.deleted", "DELETE", "/{uuid}", undefined, "Alerts (https://hooks.example.com)"],
    [
      "webhook.updated",
      "PUT",
      "/webhooks/{uuid}",
      { url: "https://other.example.com:8443/x?y=hidden", name: "b" },
      "url (https://hooks.example.com → https://other.example.com:8443), name",
    ],
    ["webhook.updated", "PUT", "/webhooks/{uuid}", { url: "https://hooks.example.com/other" }, "url"],
    ["webhook.updated", "PUT", "/webhooks/{uuid}", { url: "HTTPS://Hooks.Example.com:443/x" }, "url"],
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

  it("has replays that are stopped, once", async () => {
    const { uuid } = await makeWebhook();
    await api("POST", `${subscribers}/${uuid}/pause`);
    const since = new Date(0).toISOString();
    const request = { since, status: "missing" };
    await publish(makeEvent());
    const { body } = await api<{ replay: string }>("POST", `${subscribers}/${uuid}/replay`, request);
    const path = `${subscribers}/${uuid}/replays/${body.replay}`;
    for (let time = 0; time < 2; time++) expect((await api("DELETE", path)).status).toBe(200);
    const { entries } = await readAudit();
    expect(entries.filter(({ action }) => action === "replay.stopped")).toMatchObject([
      { target: uuid, detail: body.replay },
    ]);
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

  it("records how many webhooks were re-encrypted", async () => {
    await makeWebhook();
    const newKey = new Uint8Array(32).fill(7).toBase64();
    const settings = { ...env, ENCRYPTION_KEY: `${newKey},${env.ENCRYPTION_KEY}` };
    const request = { method: "POST", headers: { Authorization: "Bearer test-token-of-the-suite" } };
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

  it("has the name and origin of a webhook that was deleted on its page", async () => {
    const { uuid } = await makeWebhook({ name: "" });
    await post(`/webhooks/${uuid}/delete`, { name: "hooks.example.com" }, { cookie: await writer() });
    expect(await latest()).toMatchObject({
      action: "webhook.deleted",
      target: uuid,
      detail: "https://hooks.example.com",
    });
  });

  it("has test pings, with the origin that they went to, also of an address that is not stored", async () => {
    receiver();
    const { uuid } = await makeWebhook();
    await api("GET", `${subscribers}/test-ping-delivery/${uuid}`);
    expect(await latest()).toMatchObject(tested(uuid, "https://hooks.example.com"));

    const path = `${subscribers}/webhooks/pre-creation-test-ping-delivery`;
    await api("POST", path, { ...spec, url: "https://new.example.com/hidden" });
    expect(await latest()).toMatchObject(tested(null, "https://new.example.com"));

    const cookie = await writer();
    await post(`/webhooks/${uuid}/test`, {}, { cookie });
    expect(await latest()).toMatchObject(tested(uuid, "https://hooks.example.com"));

    const form = await fieldsOf((await get(`/webhooks/${uuid}/edit`, cookie)).html, "webhook-form");
    form.set("url", "https://elsewhere.example.com:444/hidden");
    form.set("intent", "test");
    await post(`/webhooks/${uuid}/edit`, form, { cookie });
    expect(await latest()).toMatchObject(tested(uuid, "https://elsewhere.example.com:444"));
    expect((await readAudit()).entries.filter(({ action }) => action === "webhook.tested")).toHaveLength(4);
  });

  it("has events that were published on the page, and not those that were known", async () => {
    const cookie = await signIn((await makeUsedToken(["webhooks:read", "events:publish"])).token);
    const event = makeEvent();
    for (let times = 0; times < 2; times++) {
      await post("/events/new", { event: JSON.stringify(event) }, { cookie });
    }
    await post("/events/new", { event: JSON.stringify([makeEvent(), makeEvent()]) }, { cookie });
    const { entries } = await readAudit();
    expect(entries.filter(({ action }) => action === "event.published")).toMatchObject([
      { target: null, detail: "2 events" },
      { target: event.uuid, detail: "project:created" },
    ]);
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
      headers: { Authorization: "Bearer of-a-header" },
    });
    await api("POST", `${subscribers}/${uuid}/rotate-secret`, { secret: "y-secret" });
    const rows = await env.DB.prepare("SELECT * FROM audit_entries").all();
    expect(rows.results).toHaveLength(3);
    expect(JSON.stringify(rows)).not.toMatch(
      /secret-of-the|path-is-secret|of-a-header|hidden|x-secret|y-secret|test-token-of-the-suite/,
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
    const insert = env.DB.prepare(
      "INSERT INTO audit_entries (at, actor, actor_name, action) VALUES (?, 'unknown', 'unknown', 'webhook.created')",
    );
    for (const at of [1000, 2000, 3000]) await insert.bind(at).run();
    await pruneAudit(env, 2000);
    expect((await readAudit()).entries.map(({ at }) => Date.parse(at))).toEqual([3000, 2000]);
  });
});

describe("refusals in the audit log", () => {
  const address = "192.0.2.77";
  beforeEach(() => {
    vi.spyOn(console, "warn").mockReturnValue();
    // One minute: a line is of one.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2040, 0, 1, 12, 0, 5) });
    vi.spyOn(scheduler, "wait").mockResolvedValue();
  });

  it("are one line for each caller, address and minute, with a count", async () => {
    const { id, token } = await makeUsedToken(["events:publish"], { name: "Ada" });
    for (let times = 0; times < 3; times++) await post("/sign-in", { token: "wrong" }, from(address));
    for (let times = 0; times < 2; times++) await post("/sign-in", { token }, from(address));
    for (const path of ["/api/audit", "/api/tokens"])
      await api("GET", path, undefined, { token, ...from(address) });
    await post("/sign-in", { token: "wrong" }, from("192.0.2.78"));
    const nobody = { actor: "unknown", actor_name: "unknown" };
    const ada = { actor: `token:${id}`, actor_name: "Ada" };
    const signIns = { action: "session.refused", target: null };
    expect(await refusals()).toMatchObject([
      { ...signIns, ...nobody, detail: "401 POST /sign-in", address, count: 3 },
      { ...signIns, ...ada, detail: "403 POST /sign-in", address, count: 2 },
      { action: "request.refused", ...ada, detail: "403 GET /api/audit", target: null, address, count: 2 },
      { ...signIns, ...nobody, detail: "401 POST /sign-in", address: "192.0.2.78", count: 1 },
    ]);

    vi.setSystemTime(Date.UTC(2040, 0, 1, 12, 1, 0));
    await post("/sign-in", { token: "wrong" }, from(address));
    expect((await refusals()).map(({ count }) => count)).toEqual([3, 2, 2, 1, 1]);
  });

  it.each<[what: string, refuse: (cookie: string) => Promise<unknown>, detail: string]>([
    [
      "a page that takes another scope",
      (cookie) => get("/webhooks/0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d/edit", cookie, from(address).headers),
      "403 GET /webhooks/:uuid/edit",
    ],
    [
      "a page whose path fits another pattern, too",
      (cookie) => get("/events/new?like=secret", cookie, from(address).headers),
      "403 GET /events/new",
    ],
    [
      "a form that takes another scope",
      (cookie) => post("/job-failures", { to: "on" }, { cookie, ...from(address) }),
      "403 POST /job-failures",
    ],
    [
      "a WebSocket of another site",
      (cookie) =>
        get("/webhooks/0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d/live", cookie, {
          ...from(address).headers,
          Upgrade: "websocket",
          Origin: "https://evil.test",
        }),
      "403 GET /webhooks/:uuid/live",
    ],
    [
      "a form of another site",
      () =>
        post(
          "/webhooks/secret-path/delete?secret",
          {},
          {
            headers: {
              ...from(address).headers,
              Origin: "https://evil.test",
              "Sec-Fetch-Site": "cross-site",
            },
          },
        ),
      "403 POST /webhooks/:uuid/delete",
    ],
  ])("have %s, by its pattern", async (_, refuse, detail) => {
    const cookie = await signIn((await makeUsedToken(["webhooks:read"])).token);
    await refuse(cookie);
    expect(await refusals()).toMatchObject([{ action: "request.refused", detail, address, count: 1 }]);
  });

  it("are at most 100 lines a minute: the others are counted in one", async () => {
    await post("/sign-in", { token: "wrong" }, from(address));
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 98)
       INSERT INTO audit_entries (at, actor, actor_name, action, address, refusal_key)
       SELECT at, actor, actor_name, action, i, '2040-01-01T12:00 session.refused unknown ' || i FROM n, audit_entries`,
    ).run();
    for (const place of [100, 101, 102, 101, 100]) {
      await post("/sign-in", { token: "wrong" }, from(`192.0.2.${place}`));
    }
    const { results } = await env.DB.prepare(
      "SELECT actor, address, detail, count FROM audit_entries ORDER BY id DESC LIMIT 2",
    ).all();
    expect(results).toEqual([
      { actor: "unknown", address: null, detail: null, count: 3 },
      { actor: "unknown", address: "192.0.2.100", detail: "401 POST /sign-in", count: 2 },
    ]);
    expect(await env.DB.prepare("SELECT count(*) AS n FROM audit_entries").first("n")).toBe(101);
  });

  it("are not written down beyond so many of an address", async () => {
    const limit = vi.spyOn(env.AUDIT_LIMIT, "limit").mockResolvedValue({ success: false });
    await post("/sign-in", { token: "wrong" }, from(address));
    expect(limit).toHaveBeenCalledWith({ key: address });
    expect(await refusals()).toEqual([]);
  });

  it("are forgotten after 30 days, and nothing else is", async () => {
    await post("/sign-in", { token: "wrong" }, from(address));
    await makeWebhook();
    const at = Date.UTC(2040, 0, 1, 12, 0);
    await pruneRefusals(env, at);
    expect(await refusals()).toHaveLength(1);
    await pruneRefusals(env, at + 60_000);
    expect((await readAudit()).entries.map(({ action }) => action)).toEqual(["webhook.created"]);
  });

  it("hold nothing of what was tried", async () => {
    await post("/sign-in", { token: "owh_tried", next: "/tried" }, from(address));
    expect(JSON.stringify((await env.DB.prepare("SELECT * FROM audit_entries").all()).results)).not.toMatch(
      /tried/,
    );
  });
});

/** What each changing path leaves in the log; null: nothing, as it changes nothing that people set. */
const audited: Record<string, string | null> = {
  "post /webhooks": "webhook.created",
  "post /webhooks/pre-creation-test-ping-delivery": "webhook.tested",
  "put /webhooks/{uuid}": "webhook.updated",
  "post /{uuid}/rotate-secret": "webhook.secret_rotated",
  "delete /{uuid}": "webhook.deleted",
  "post /{uuid}/deliveries/{delivery}/redeliver": "delivery.redelivered",
  "post /{uuid}/deliveries/{delivery}/skip": "delivery.skipped",
  "post /{uuid}/pause": "webhook.paused",
  "post /{uuid}/resume": "webhook.resumed",
  "post /{uuid}/replay": "replay.started",
  "delete /{uuid}/replays/{replay}": "replay.stopped",
  "post /api/events": null,
  "post /api/events/orchest": null,
  "post /api/rejected/{id}/redrive": "rejected.redriven",
  "post /api/rejected/redrive": "rejected.redriven",
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
