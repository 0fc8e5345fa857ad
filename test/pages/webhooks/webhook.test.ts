import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { makeWebhook, readWebhook } from "../../api";
import { stopClock } from "../../clock";
import { deliveriesOf } from "../../deliveries";
import { makeEvent, makeEvents, makeListener, publish } from "../../event";
import { receiver } from "../../receiver";
import { hand } from "../../lane/lane-traffic";
import { makeUsedToken } from "../../tokens";
import { follow, get, missingParts, post, signIn } from "../page";
import { audited, deliver, reader, writer } from "./people";

beforeEach(stopClock);

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
    expect(html).toContain(`project ${unknown}`);
    expect(html).toContain("<dd>Authorization</dd>");
    expect(html).not.toMatch(/path-is-secret|a-secret-of-the-webhook|of-the-webhook/);
    expect(html).not.toMatch(/<script(?! type="module" src="\/)|<style| style=| on[a-z]+=/);
  });

  it.each([
    ["strict", "Strict"],
    ["keyed", "Keyed by job"],
    ["none", "None"],
  ])("says in which order it sends: %s", async (ordering, sentence) => {
    const { uuid } = await makeWebhook({ ordering });
    expect((await get(`/webhooks/${uuid}`, await reader())).html).toContain(`<dd>${sentence}</dd>`);
  });

  it("has all the parts that its scripts take over", async () => {
    receiver(() => new Response("", { status: 503 }));
    const { uuid } = await makeListener();
    await deliver(uuid, "failed");
    for (const cookie of [await reader(), await writer()]) {
      const { html } = await get(`/webhooks/${uuid}`, cookie);
      expect(html).toContain(`data-live="/webhooks/${uuid}/live"`);
      expect(missingParts(html)).toEqual([]);
    }
  });

  it("escapes its name", async () => {
    const { uuid } = await makeWebhook({ name: "<script>alert(1)</script>" });
    const { html } = await get(`/webhooks/${uuid}`, await reader());
    expect(html).toContain("&lt;script&gt;");
    expect(html).not.toContain("<script>");
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
    expect(html).toContain('<span class="badge warn">Retrying</span>');
    expect(html).toContain("The receiver answered 503 Service Unavailable.");
    expect(html).toMatch(/50%/);
  });

  it("says in the log what each event says, to those who may read it", async () => {
    receiver();
    const { uuid } = await makeListener();
    await publish([
      makeEvent({ project: { name: "<b>Churn</b>" } }),
      makeEvent({ project: { name: "P".repeat(90_000) } }),
      makeEvent(),
    ]);
    const { html } = await get(`/webhooks/${uuid}`, await reader());
    expect(html).toContain(
      'Project &lt;b&gt;Churn&lt;/b&gt; was created <span class="event-type muted small">project:created</span>',
    );
    expect(html).toContain("A project was created");
    expect(html).toMatch(/Project P{119}… was created/);
    const looker = await signIn((await makeUsedToken(["webhooks:read"])).token);
    const shown = (await get(`/webhooks/${uuid}`, looker)).html;
    expect(shown).toContain("<div>project:created</div>");
    expect(shown).not.toMatch(/Churn|was created/);
  });

  it("filters the log by status, and says when there is nothing", async () => {
    receiver();
    const { uuid } = await makeListener();
    await deliver(uuid, "delivered");
    const cookie = await reader();
    const delivered = (await get(`/webhooks/${uuid}?status=delivered`, cookie)).html;
    expect(delivered).toContain("#1");
    expect(delivered).toContain('<option value="delivered" selected="">Delivered</option>');
    expect((await get(`/webhooks/${uuid}?status=dead`, cookie)).html).toContain(
      "No deliveries match the filters.",
    );
    expect((await get(`/webhooks/${uuid}?status=delivered&cursor=x`, cookie)).html).toContain("#1");
  });

  it("filters the log by event type and by time, in UTC, and keeps what was typed", async () => {
    receiver();
    const { uuid } = await makeListener();
    const { accepted_at: at } = await deliver(uuid, "delivered");
    const cookie = await reader();
    const [minute, next] = [0, 60_000].map((ms) => new Date(Date.parse(at) + ms).toISOString().slice(0, 16));
    const isThere = async (query: string) => {
      const { html } = await get(`/webhooks/${uuid}?${query}`, cookie);
      return html.includes(">#1</a>");
    };
    expect(await isThere("event_type=project:created")).toBe(true);
    expect(await isThere("event_type=project:deleted")).toBe(false);
    expect(await isThere(`since=${minute}`)).toBe(true);
    expect(await isThere(`since=${next}`)).toBe(false);
    expect(await isThere(`until=${next}`)).toBe(true);
    expect(await isThere(`until=${minute}`)).toBe(false);
    const { html } = await get(`/webhooks/${uuid}?event_type=a%22b&since=${minute}`, cookie);
    expect(html).toContain('value="a&quot;b"');
    expect(html).toContain(`value="${minute}"`);
  });

  it.each([
    ["status", "nope", "“nope” is not a status. Choose one from the list."],
    ["since", "yesterday", "“yesterday” is not a time: use the format 2026-11-05T12:00, in UTC."],
    ["until", "2040-02-30T00:00", "“2040-02-30T00:00” is not a time"],
  ])(
    "says beside a filter of the log what is wrong with it, and lists nothing: %s=%s",
    async (name, value, sentence) => {
      receiver();
      const { uuid } = await makeListener();
      await deliver(uuid, "delivered");
      const cookie = await reader();
      const { status, html } = await get(
        `/webhooks/${uuid}?event_type=project:created&${name}=${value}`,
        cookie,
      );
      expect(status).toBe(200);
      expect(html).toMatch(new RegExp(`id="${name}"[^>]*aria-describedby="${name}-error"`));
      expect(new RegExp(`id="${name}-error">([^<]*)<`).exec(html)?.[1]).toContain(sentence);
      expect(html).toContain("No deliveries are listed because a filter is invalid.");
      expect(html).not.toContain(">#1</a>");
      expect(html).toContain(">Clear</a>");
      expect(html).toContain('value="project:created"');
      expect(missingParts(html)).toEqual([]);
    },
  );

  it("keeps an invalid time of the log's filter visible", async () => {
    const { uuid } = await makeWebhook();
    const { html } = await get(`/webhooks/${uuid}?since=2026-02-31T00:00`, await reader());
    expect(html).toMatch(/<input id="since"[^>]*type="text" value="2026-02-31T00:00"/);
    expect(html).toContain('<details class="wide" open="">');
  });

  it("lists nothing of a time whose end is not later than its beginning, and says so", async () => {
    const { uuid } = await makeWebhook();
    const time = "2040-01-01T01:00";
    const { html } = await get(`/webhooks/${uuid}?since=${time}&until=${time}`, await reader());
    expect(html).toContain('id="until-error">The end must be after the start.<');
    expect(html).toContain(`type="datetime-local" value="${time}"`);
    expect(html).toContain("No deliveries are listed");
  });

  it("escapes a filter of the log that is wrong", async () => {
    const { uuid } = await makeWebhook();
    const { html } = await get(`/webhooks/${uuid}?status="><script>&since="><script>`, await reader());
    expect(html).not.toContain("<script>");
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
    expect(html).toContain("Metrics are unavailable right now.");
    expect(html).toContain("Deliveries are unavailable right now.");
  });

  it.each([unknown, "nonsense", "%3Cscript%3E"])("says in a page that there is none: %s", async (uuid) => {
    const { status, headers, html } = await get(`/webhooks/${uuid}`, await reader());
    expect(status).toBe(404);
    expect(headers.get("Content-Type")).toMatch(/^text\/html/);
    expect(html).toContain("Webhook not found.");
    expect(html).toContain('action="/sign-out"');
    expect(html).not.toMatch(/<script(?! type="module" src="\/)/);
  });
});

/** A webhook with a delivery that failed and one behind it, and the path of the first one. */
async function heldUp(): Promise<{ uuid: string; path: string }> {
  receiver(() => new Response("", { status: 503 }));
  const { uuid } = await makeListener();
  const first = await deliver(uuid, "failed");
  await deliver(uuid, "pending");
  return { uuid, path: `/webhooks/${uuid}/deliveries/${first.uuid}` };
}

describe("a blocking delivery", () => {
  it("is named, with the reason, how often and when it is tried, and what waits behind it", async () => {
    const { uuid, path } = await heldUp();
    const { html } = await get(`/webhooks/${uuid}`, await reader());
    const notice = html.slice(html.indexOf("notice warn blocking"));
    expect(notice).toContain(`<a href="${path}">Delivery #1</a> blocks 1 delivery.`);
    const reason = "The receiver answered 503 Service Unavailable. Attempts: 1, next <time";
    expect(notice).toContain(`“A project was created” ${reason}`);
    expect(notice.slice(0, notice.indexOf(">Activity<"))).not.toContain("<form");
    // What it is about is part of the event's text.
    const others = await signIn((await makeUsedToken(["webhooks:read"])).token);
    const { html: withoutTexts } = await get(`/webhooks/${uuid}`, others);
    expect(withoutTexts).toContain(reason);
    expect(withoutTexts).not.toContain("A project was created");
  });

  it("can be given up there, once that is confirmed, and It no longer blocks others.", async () => {
    const { uuid, path } = await heldUp();
    const cookie = await writer();
    expect((await get(`/webhooks/${uuid}`, cookie)).html).toContain(`action="${path}/skip"`);
    const unconfirmed = await post(`${path}/skip`, { back: "webhook" }, { cookie });
    expect(unconfirmed.headers.get("Location")).toBe(`/webhooks/${uuid}`);
    expect((await follow(unconfirmed, cookie)).html).toContain("select the checkbox");
    const given = await post(`${path}/skip`, { back: "webhook", confirmed: "yes" }, { cookie });
    expect(given.headers.get("Location")).toBe(`/webhooks/${uuid}`);
    expect((await deliveriesOf(uuid))[0]?.status).toBe("dead");
    expect((await follow(given, cookie)).html).toContain("It no longer blocks others.");
  });

  it("is one of each key in keyed ordering", async () => {
    const { received } = receiver(() => new Response("", { status: 503 }));
    const { uuid } = await makeListener({ ordering: "keyed" });
    const [one, other] = [crypto.randomUUID(), crypto.randomUUID()];
    await hand(uuid, [one, one, other]);
    await vi.waitFor(() => expect(received).toHaveLength(2));
    await vi.waitFor(async () => {
      const { html } = await get(`/webhooks/${uuid}`, await reader());
      const named = html.matchAll(/Delivery #(\d)<\/a> blocks later deliveries with the same key/g);
      expect(Array.from(named, ([, sequence]) => sequence)).toEqual(["1", "3"]);
    });
  });

  it("is not there where nothing waits for anything", async () => {
    receiver(() => new Response("", { status: 503 }));
    const { uuid } = await makeListener({ ordering: "none" });
    await deliver(uuid, "failed");
    expect((await get(`/webhooks/${uuid}`, await writer())).html).not.toContain("</a> blocks");
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
    expect(html).toContain("Paused. New deliveries are queued");
    expect(html).toContain(`action="/webhooks/${uuid}/resume"`);

    const resumed = await post(`/webhooks/${uuid}/resume`, {}, { cookie });
    expect((await follow(resumed, cookie)).html).toContain("Resumed. Queued deliveries are being sent.");
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
    expect(html.slice(html.indexOf("<main"))).not.toMatch(
      /method="post"|\/(edit|delete|replay|rotate-secret)"/,
    );
    expect((await post(`/webhooks/${uuid}/pause`, {}, { cookie })).status).toBe(403);
    expect((await post(`/webhooks/${uuid}/resume`, {}, { cookie })).status).toBe(403);
    expect((await readWebhook(uuid)).state).toBe("active");
  });

  it("says in a page that there is no such webhook", async () => {
    expect((await post(`/webhooks/${unknown}/pause`, {}, { cookie: await writer() })).status).toBe(404);
  });
});
