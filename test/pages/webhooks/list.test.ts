import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { makeWebhook, spec } from "../../api";
import { stopClock } from "../../clock";
import { makeListener } from "../../event";
import { laneOf } from "../../lane";
import { addresses, receiver } from "../../receiver";
import { follow, get, post } from "../page";
import { deliver, reader, writer } from "./people";

beforeEach(stopClock);

/** What one reads, without the marks. */
function text(html: string): string {
  return html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
}

describe("GET /, without a webhook", () => {
  it("teaches what one is, with one button, and no switch for nothing", async () => {
    const { status, html } = await get("/", await writer());
    expect(status).toBe(200);
    expect(html).toContain("No webhooks yet");
    const content = html.slice(html.indexOf("<main"));
    expect(content.match(/class="button primary" href="\/webhooks\/new"/g)).toHaveLength(1);
    expect(content).not.toContain("<button");
  });

  it("says to readers which scope it takes", async () => {
    const { html } = await get("/", await reader());
    expect(html).toContain("scope <code>webhooks:write</code>");
    expect(html).not.toContain("/webhooks/new");
  });
});

describe("GET /", () => {
  it("names webhooks, their hosts and states, and nothing of their URLs' paths or secrets", async () => {
    await makeWebhook({ name: "Alerts" });
    const { html } = await get("/", await reader());
    expect(html).toContain(">Alerts</a>");
    expect(html).toContain("hooks.example.com");
    expect(html).toContain('<span class="badge good">Active</span>');
    expect(html).not.toContain("path-is-secret");
    expect(html).not.toContain("a-secret-of-the-webhook");
    expect(html).not.toMatch(/<script(?! type="module" src="\/)|<style| style=| on[a-z]+=/);
  });

  it("escapes names", async () => {
    await makeWebhook({ name: "<script>alert(1)</script>" });
    const { html } = await get("/", await writer());
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html).not.toContain("<script>");
  });

  it("shows the first three event types of a webhook, and counts the others", async () => {
    const names = ["created", "started", "failed", "deleted", "succeeded"];
    const subscriptions = names.map((what) => ({ event_type: `project:one-off-job:${what}` }));
    await makeWebhook({ subscriptions });
    await makeWebhook({ subscriptions: [{ event_type: "project:created" }] });
    await makeWebhook();
    const { html } = await get("/", await reader());
    expect(html).toContain("and 2 more");
    expect(html.match(/and \d+ more/g)).toHaveLength(1);
    expect(html.match(/<div>project:/g)).toHaveLength(4);
    expect(html).toContain(">None<");
  });

  it("shows the metrics of each", async () => {
    receiver(() => new Response("", { status: 503 }));
    const { uuid } = await makeListener();
    await deliver(uuid, "failed");
    const shown = text((await get("/", await reader())).html);
    expect(shown).toMatch(/Active project:created 0% 1 0 in \d+ seconds?/);
  });

  it("shows a dash where a lane fails, and the others all the same", async () => {
    receiver();
    const broken = await makeListener({ name: "broken" });
    const other = await makeListener({ name: "other" });
    await deliver(other.uuid, "delivered");
    const cookie = await reader();
    vi.spyOn(env.LANES, "getByName").mockImplementation((name) => {
      if (name === broken.uuid) throw new Error("This lane is broken.");
      return laneOf(name);
    });
    const { status, html } = await get("/", cookie);
    expect(status).toBe(200);
    expect(html.match(/–<span class="visually-hidden"> unavailable/g)).toHaveLength(4);
    expect(text(html)).toMatch(/other hooks\.example\.com Active project:created 100% 0 0 None/);
  });

  it("says why a webhook is disabled", async () => {
    receiver(() => new Response("", { status: 410 }));
    const { uuid } = await makeListener();
    await deliver(uuid, "failed");
    const { html } = await get("/", await reader());
    expect(html).toContain('<span class="badge bad">Disabled</span>');
    expect(html).toContain("410");
  });

  it("shows 25 and asks only their lanes, and leads on to the others", async () => {
    for (let i = 1; i <= 26; i++) await makeWebhook({ name: `Number ${i}.` });
    const cookie = await reader();
    const asked = vi.spyOn(env.LANES, "getByName");
    const { html } = await get("/", cookie);
    expect(asked).toHaveBeenCalledTimes(25);
    expect(html).toContain("Number 25.");
    expect(html).not.toContain("Number 26.");
    const [, next = ""] = /href="(\/\?after=\d+)"/.exec(html) ?? [];
    const second = (await get(next, cookie)).html;
    expect(second).toContain("Number 26.");
    expect(second).not.toContain("Number 25.");
    expect(second).toContain("First page");
    expect(second).not.toContain("Next page");
  });

  it("begins at the beginning where the address makes no sense", async () => {
    await makeWebhook({ name: "Alerts" });
    expect((await get("/?after=x", await reader())).html).toContain("Alerts");
  });
});

describe("the test of a row", () => {
  it("is not offered to readers, and refused to them", async () => {
    const { received } = receiver();
    const { uuid } = await makeWebhook();
    const cookie = await reader();
    expect((await get("/", cookie)).html).not.toContain("/test");
    expect((await post(`/webhooks/${uuid}/test`, {}, { cookie })).status).toBe(403);
    expect(received).toEqual([]);
  });

  it.each<[answer: string, receive: () => Response, outcome: string]>([
    ["200", () => new Response(), "The test ping was delivered."],
    [
      "404",
      () => new Response("<p>no</p>", { status: 404 }),
      "The test ping was not delivered: the receiver answered 404 Not Found.",
    ],
    [
      "500 that repeats the secret",
      () => new Response(`bad ${spec.secret}`, { status: 500 }),
      "not delivered: the receiver answered 500 Internal Server Error: “bad ********”.",
    ],
  ])("sends a ping, and shows the outcome in its row: %s", async (_, receive, outcome) => {
    const { received } = receiver(receive);
    const { uuid } = await makeWebhook({ name: "Alerts" });
    const cookie = await writer();
    expect((await get("/", cookie)).html).toContain(`action="/webhooks/${uuid}/test"`);
    const answer = await post(`/webhooks/${uuid}/test`, {}, { cookie });
    expect(answer.status).toBe(303);
    expect(received.map(({ headers }) => headers.get("X-Orchest-Event"))).toEqual(["ping"]);
    const { html } = await follow(answer, cookie);
    const [, row = ""] = new RegExp(`<div id="test-${uuid}"[^>]*>(.*?)</div>`).exec(html) ?? [];
    expect(text(row)).toContain(outcome);
  });

  it("has a part of the page for its outcome before there is one, which screen readers watch", async () => {
    const { uuid } = await makeWebhook();
    const { html } = await get("/", await writer());
    expect(html).toContain(`<div id="test-${uuid}" class="test-outcome small" role="status"></div>`);
    expect(html).toContain(`data-in-place="test-${uuid}"`);
  });

  it("says that a host may not be reached any more, and sends nothing", async () => {
    const { uuid } = await makeWebhook();
    const { received } = receiver(undefined, () => addresses("10.0.0.7"));
    const cookie = await writer();
    const { html } = await follow(await post(`/webhooks/${uuid}/test`, {}, { cookie }), cookie);
    expect(html).toContain("the host may not be reached. The host must be a public host name");
    expect(received).toEqual([]);
  });

  it.each([
    [{ after: "7" }, "/?after=7#test-"],
    [{ after: "x" }, "/#test-"],
    [{ back: "webhook" }, "/webhooks/"],
  ])("leads back to where it was asked for: %j", async (fields, path) => {
    receiver();
    const { uuid } = await makeWebhook();
    const answer = await post(`/webhooks/${uuid}/test`, fields, { cookie: await writer() });
    expect(answer.headers.get("Location")).toBe(path + uuid);
  });

  it("is limited, and says so in its row", async () => {
    const { received } = receiver();
    const { uuid } = await makeWebhook();
    const cookie = await writer();
    vi.spyOn(env.PING_LIMIT, "limit").mockResolvedValue({ success: false });
    const { html } = await follow(await post(`/webhooks/${uuid}/test`, {}, { cookie }), cookie);
    expect(html).toContain("Too many test pings. Try again in 60 seconds.");
    expect(received).toEqual([]);
  });
});
