import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeWebhook, readWebhook } from "../../api";
import { restartClock, stopClock } from "../../clock";
import { deliveriesOf } from "../../deliveries";
import { makeEvents, makeListener, publish } from "../../event";
import { receiver } from "../../receiver";
import { follow, get, post } from "../page";
import { audited, deliver, reader, writer } from "./people";

beforeEach(stopClock);
afterEach(restartClock);

const unknown = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";

describe("GET /webhooks/{uuid}", () => {
  it("shows what it is set to, and neither its URL's path nor its secret", async () => {
    const { uuid } = await makeWebhook({
      name: "Alerts",
      headers: { Authorization: "Basic of-the-webhook" },
      subscriptions: [{ event_type: "project:created", project_uuid: unknown }],
    });
    const { status, html } = await get(`/webhooks/${uuid}`, await reader());
    expect(status).toBe(200);
    expect(html).toContain("<title>Alerts · Orchest webhooks</title>");
    expect(html.match(/<h1/g)).toHaveLength(1);
    expect(html).toContain("https://hooks.example.com<");
    expect(html).toContain(`only of the project ${unknown}`);
    expect(html).toContain("<dd>Authorization</dd>");
    expect(html).not.toMatch(/path-is-secret|a-secret-of-the-webhook|of-the-webhook/);
    expect(html).not.toMatch(/<script|<style| style=| on[a-z]+=/);
  });

  it("escapes its name", async () => {
    const { uuid } = await makeWebhook({ name: "<script>alert(1)</script>" });
    const { html } = await get(`/webhooks/${uuid}`, await reader());
    expect(html).toContain("&lt;script&gt;");
    expect(html).not.toContain("<script");
  });

  it("shows the log, newest first, with times that are exact on hover", async () => {
    let answer = 200;
    receiver(() => new Response("", { status: answer }));
    const { uuid } = await makeListener();
    const first = await deliver(uuid, "delivered");
    answer = 503;
    const second = await deliver(uuid, "failed");
    const { html } = await get(`/webhooks/${uuid}`, await reader());
    const places = [second, first].map((one) => html.indexOf(`/webhooks/${uuid}/deliveries/${one.uuid}`));
    expect(places).not.toContain(-1);
    expect(places.toSorted((a, b) => a - b)).toEqual(places);
    expect(html).toContain(`title="${first.accepted_at}">now</time>`);
    expect(html).toContain('<span class="badge warn">Waits for retry</span>');
    expect(html).toContain("<code>http_5xx</code> (503)");
    expect(html).toMatch(/50%/);
  });

  it("filters the log by status, and says when there is nothing", async () => {
    receiver();
    const { uuid } = await makeListener();
    await deliver(uuid, "delivered");
    const cookie = await reader();
    const delivered = (await get(`/webhooks/${uuid}?status=delivered`, cookie)).html;
    expect(delivered).toContain("#1");
    expect(delivered).toMatch(/aria-current="true">Delivered</);
    expect((await get(`/webhooks/${uuid}?status=dead`, cookie)).html).toContain(
      "There is no delivery with this status.",
    );
    expect((await get(`/webhooks/${uuid}?status=nonsense&cursor=x`, cookie)).html).toContain("#1");
  });

  it("shows 25 of the log, and leads on to the older ones with the same filter", async () => {
    receiver();
    const { uuid } = await makeListener();
    for (const event of makeEvents(27)) await publish(event);
    await vi.waitFor(async () =>
      expect(await deliveriesOf(uuid, "?limit=100&status=delivered")).toHaveLength(27),
    );
    const cookie = await reader();
    const { html } = await get(`/webhooks/${uuid}?status=delivered`, cookie);
    expect(html.match(/\/deliveries\//g)).toHaveLength(25);
    const [, older = ""] = /href="([^"#]*)#log-title">Older</.exec(html) ?? [];
    expect(older).toContain("status=delivered");
    const second = (await get(older.replaceAll("&amp;", "&"), cookie)).html;
    expect(second.match(/\/deliveries\//g)).toHaveLength(2);
    expect(second).toContain(">Newest</a>");
    expect(second).not.toContain(">Older</a>");
  });

  it("stands where its lane fails", async () => {
    const { uuid } = await makeWebhook();
    const cookie = await reader();
    vi.spyOn(console, "warn").mockReturnValue();
    vi.spyOn(env.LANES, "getByName").mockImplementation(() => {
      throw new Error("This lane is broken.");
    });
    const { status, html } = await get(`/webhooks/${uuid}`, cookie);
    expect(status).toBe(200);
    expect(html).toContain("The figures cannot be read right now.");
    expect(html).toContain("The deliveries cannot be read right now.");
  });

  it.each([unknown, "nonsense", "%3Cscript%3E"])("says in a page that there is none: %s", async (uuid) => {
    const { status, headers, html } = await get(`/webhooks/${uuid}`, await reader());
    expect(status).toBe(404);
    expect(headers.get("Content-Type")).toMatch(/^text\/html/);
    expect(html).toContain("There is no such webhook.");
    expect(html).toContain('action="/sign-out"');
    expect(html).not.toContain("<script");
  });
});

describe("pausing and resuming", () => {
  it("is done by two forms, and is in the audit log", async () => {
    const { uuid } = await makeWebhook();
    const cookie = await writer();
    expect((await get(`/webhooks/${uuid}`, cookie)).html).toContain(`action="/webhooks/${uuid}/pause"`);

    const paused = await post(`/webhooks/${uuid}/pause`, {}, { cookie });
    expect(paused.status).toBe(303);
    expect((await readWebhook(uuid)).state).toBe("paused");
    const { html } = await follow(paused, cookie);
    expect(html).toContain("The webhook was paused");
    expect(html).toContain(`action="/webhooks/${uuid}/resume"`);

    const resumed = await post(`/webhooks/${uuid}/resume`, {}, { cookie });
    expect((await follow(resumed, cookie)).html).toContain("The webhook was resumed");
    expect((await readWebhook(uuid)).state).toBe("active");
    expect((await audited()).slice(0, 2)).toEqual(["webhook.resumed", "webhook.paused"]);
  });

  it("cannot pause what is disabled, and says so", async () => {
    receiver(() => new Response("", { status: 410 }));
    const { uuid } = await makeListener();
    await deliver(uuid, "failed");
    const cookie = await writer();
    const answer = await post(`/webhooks/${uuid}/pause`, {}, { cookie });
    expect((await follow(answer, cookie)).html).toContain("it cannot be paused");
  });

  it("is not offered to readers, and refused to them", async () => {
    const { uuid } = await makeWebhook();
    const cookie = await reader();
    const { html } = await get(`/webhooks/${uuid}`, cookie);
    expect(html.slice(html.indexOf("<main"))).not.toContain("<form");
    expect((await post(`/webhooks/${uuid}/pause`, {}, { cookie })).status).toBe(403);
    expect((await post(`/webhooks/${uuid}/resume`, {}, { cookie })).status).toBe(403);
    expect((await readWebhook(uuid)).state).toBe("active");
  });

  it("says in a page that there is no such webhook", async () => {
    expect((await post(`/webhooks/${unknown}/pause`, {}, { cookie: await writer() })).status).toBe(404);
  });
});
