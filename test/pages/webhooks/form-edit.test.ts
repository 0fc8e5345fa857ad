import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { api, makeWebhook, notifications, readWebhook, spec } from "../../api";
import { receiver } from "../../receiver";
import { hmacHex } from "../../sign";
import { fieldsOf } from "../form";
import { follow, get, type Page, post } from "../page";
import { audited, reader, writer } from "./people";

const oneOff = "project:one-off-job:pipeline-run:failed";
const project = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const job = "1b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";

/** The form of a stored webhook. */
async function open(uuid: string, cookie: string): Promise<URLSearchParams> {
  return fieldsOf((await get(`/webhooks/${uuid}/edit`, cookie)).html, "webhook-form");
}

function send(uuid: string, cookie: string, fields: URLSearchParams, intent = "save"): Promise<Page> {
  return post(`/webhooks/${uuid}/edit`, new URLSearchParams([...fields, ["intent", intent]]), { cookie });
}

/** Opens the form, types, and saves. */
async function change(uuid: string, typed: Record<string, string>): Promise<Page> {
  const cookie = await writer();
  const fields = await open(uuid, cookie);
  for (const [name, value] of Object.entries(typed)) fields.set(name, value);
  return send(uuid, cookie, fields);
}

/** A webhook's row: what is stored of it, down to the encrypted bytes. */
function row(uuid: string): Promise<Record<string, unknown> | null> {
  return env.DB.prepare("select * from webhooks where uuid = ?").bind(uuid).first();
}

async function lastAudited(): Promise<{ action: string; detail: string | null } | undefined> {
  const { body } = await api<{ entries: { action: string; detail: string | null }[] }>("GET", "/api/audit");
  return body.entries.find(({ action }) => action.startsWith("webhook."));
}

describe("GET /webhooks/{uuid}/edit", () => {
  it("shows where it points, and neither the URL's path nor the secret", async () => {
    const { uuid } = await makeWebhook({ headers: { Authorization: "Bearer of-the-webhook" } });
    const { status, html } = await get(`/webhooks/${uuid}/edit`, await writer());
    expect(status).toBe(200);
    expect(html).toContain("<h1>Edit Alerts</h1>");
    expect(html).toContain("<code>hooks.example.com</code>");
    expect(html).not.toMatch(/path-is-secret|a-secret-of-the-webhook|of-the-webhook/);
    const fields = await fieldsOf(html, "webhook-form");
    expect([fields.get("url"), fields.get("secret")]).toEqual(["", ""]);
    expect(fields.get("headers")).toBe("Authorization: ********");
  });

  it("is refused to readers, and there is none of a webhook that is not there", async () => {
    const { uuid } = await makeWebhook();
    expect((await get(`/webhooks/${uuid}/edit`, await reader())).status).toBe(403);
    expect((await get(`/webhooks/${project}/edit`, await writer())).status).toBe(404);
  });
});

describe("saving a webhook", () => {
  it("as it was opened changes nothing, and writes nothing down", async () => {
    const { uuid } = await makeWebhook({
      headers: { "X-Team": "data" },
      retry: { max_attempts: 5, max_age_s: 3600 },
      timeout_s: 10,
      rate_limit_per_s: 2.5,
      subscriptions: [{ event_type: oneOff }, { event_type: "project:**", project_uuid: project }],
    });
    const [before, webhook] = [await row(uuid), await readWebhook(uuid)];
    const cookie = await writer();
    const answer = await send(uuid, cookie, await open(uuid, cookie));
    expect((await follow(answer, cookie)).html).toContain("Nothing was changed.");
    expect(await row(uuid)).toEqual(before);
    expect(await readWebhook(uuid)).toEqual(webhook);
    expect((await lastAudited())?.action).toBe("webhook.created");
  });

  it("changes what was typed, and writes down what", async () => {
    const { uuid } = await makeWebhook();
    const before = await row(uuid);
    const answer = await change(uuid, { name: "New name", timeout_s: "9" });
    expect([answer.status, answer.headers.get("Location")]).toEqual([303, `/webhooks/${uuid}`]);
    // The encrypted settings, with the URL and the secret, are the very same.
    const changed = { name: "New name", timeout_s: 9, version: 2, routing_version: expect.any(Number) };
    expect(await row(uuid)).toEqual({ ...before, ...changed });
    expect(await lastAudited()).toMatchObject({ action: "webhook.updated", detail: "name, timeout_s" });
  });

  it("takes a new URL and a new secret", async () => {
    const { received } = receiver();
    const { uuid } = await makeWebhook();
    await change(uuid, { url: "https://other.example.com/typed", secret: "typed secret" });
    await api("GET", `${notifications}/subscribers/test-ping-delivery/${uuid}`);
    const [ping] = received;
    expect(ping?.url).toBe("https://other.example.com/typed");
    expect(ping?.headers.get("X-Hub-Signature")).toBe(await hmacHex("typed secret", ping?.body ?? ""));
  });

  it("goes back to the gateway's own settings where a field was emptied", async () => {
    const { uuid } = await makeWebhook({
      retry: { max_attempts: 5, max_age_s: 3600 },
      timeout_s: 10,
      rate_limit_per_s: 2.5,
    });
    await change(uuid, { max_attempts: "", timeout_s: "", rate_limit_per_s: "" });
    expect(await readWebhook(uuid)).toMatchObject({
      retry: { max_attempts: null, max_age_s: 3600 },
      timeout_s: null,
      rate_limit_per_s: null,
    });
    expect((await lastAudited())?.detail).toBe("max_attempts, timeout_s, rate_limit_per_s");
  });

  it("keeps stored headers, takes new ones, and drops those whose line went", async () => {
    const { received } = receiver();
    const { uuid } = await makeWebhook({ headers: { "X-Kept": "old", "X-Gone": "old" } });
    await change(uuid, { headers: "X-Kept: ********\r\nX-New: new" });
    await api("GET", `${notifications}/subscribers/test-ping-delivery/${uuid}`);
    const sent = ["X-Kept", "X-Gone", "X-New"].map((name) => received[0]?.headers.get(name));
    expect(sent).toEqual(["old", null, "new"]);
  });

  it("leaves subscriptions with other limits and wildcards as they are, down to their uuids", async () => {
    const { uuid, subscriptions } = await makeWebhook({
      subscriptions: [
        { event_type: "project:cron-job:*" },
        { event_type: oneOff },
        { event_type: "project:**", project_uuid: project },
        { event_type: oneOff, project_uuid: project, job_uuid: job },
      ],
    });
    const cookie = await writer();
    const fields = await open(uuid, cookie);
    expect(fields.get("groups")).toBe("3");
    fields.append("types-0", "project:created");
    await send(uuid, cookie, fields);
    const after = (await readWebhook(uuid)).subscriptions;
    expect(after).toEqual([...subscriptions, expect.objectContaining({ event_type: "project:created" })]);
  });

  it("keeps 1,000 subscriptions of 500 projects, in a page of less than 1 MB", async () => {
    const projects = Array.from({ length: 500 }, () => crypto.randomUUID());
    const types = ["project:created", "project:**"];
    const subscriptions = projects.flatMap((project_uuid) =>
      types.map((event_type) => ({ event_type, project_uuid })),
    );
    const { uuid } = await makeWebhook({ subscriptions });
    const before = (await readWebhook(uuid)).subscriptions;
    const cookie = await writer();
    const { html } = await get(`/webhooks/${uuid}/edit`, cookie);
    expect(html.length).toBeLessThan(1_000_000);
    const fields = await fieldsOf(html, "webhook-form");
    fields.delete("types-499");
    fields.delete("project-499");
    expect((await send(uuid, cookie, fields)).status).toBe(303);
    expect((await readWebhook(uuid)).subscriptions).toEqual(before.slice(0, -2));
  });

  it("with every event removed has no subscriptions", async () => {
    const { uuid } = await makeWebhook({ subscriptions: [{ event_type: oneOff }] });
    const cookie = await writer();
    const fields = await open(uuid, cookie);
    fields.delete("types-0");
    await send(uuid, cookie, fields);
    expect((await readWebhook(uuid)).subscriptions).toEqual([]);
  });

  it.each([
    [
      "http to https, with the box checked",
      "http://hooks.example.com/x",
      "https://hooks.example.com/y",
      true,
    ],
    ["https to http", "https://hooks.example.com/x", "http://hooks.example.com/y", false],
  ])("follows the scheme: %s", async (_, from, to, verifies) => {
    const { uuid } = await makeWebhook({ url: from, verify_ssl: from.startsWith("https:") });
    expect((await change(uuid, { url: to })).status).toBe(303);
    expect((await readWebhook(uuid)).verify_ssl).toBe(verifies);
  });

  it("refuses what is wrong beside its field, keeps what was typed, and changes nothing", async () => {
    const { uuid } = await makeWebhook();
    const before = await row(uuid);
    const { status, html } = await change(uuid, {
      name: "New name",
      url: "ftp://typed.example.com",
      timeout_s: "99",
    });
    expect(status).toBe(400);
    expect(html).toMatch(/id="timeout_s-error">Must be a whole number from 1 to 30\./);
    expect(html).toContain('value="ftp://typed.example.com"');
    expect(html).toContain('value="New name"');
    expect(await row(uuid)).toEqual(before);
  });

  it.each([
    ["the webhook", { name: "By somebody else" }],
    ["its subscriptions", { subscriptions: [{ event_type: "project:created" }] }],
  ])("does not overwrite unseen what somebody else has changed of %s meanwhile", async (_, others) => {
    const { uuid } = await makeWebhook({ subscriptions: [{ event_type: oneOff }] });
    const cookie = await writer();
    const fields = await open(uuid, cookie);
    fields.set("timeout_s", "9");
    await api("PUT", `${notifications}/subscribers/webhooks/${uuid}`, others);
    const before = await row(uuid);
    const refused = await send(uuid, cookie, fields);
    expect(refused.status).toBe(409);
    expect(refused.html).toContain("Somebody else has changed this webhook");
    expect(await row(uuid)).toEqual(before);
    const again = await send(uuid, cookie, await fieldsOf(refused.html, "webhook-form"));
    expect(again.status).toBe(303);
    expect(await readWebhook(uuid)).toMatchObject({ name: spec.name, timeout_s: 9 });
    expect((await readWebhook(uuid)).subscriptions.map(({ event_type }) => event_type)).toEqual([oneOff]);
  });
});

describe("saving twice, as with a second click", () => {
  const everything = {
    url: "https://hooks.example.com/typed",
    secret: "typed secret",
    name: "New name",
    content_type: "application/x-www-form-urlencoded",
    timeout_s: "9",
    rate_limit_per_s: "",
    headers: "X-Kept: ********\r\nX-New: new",
  };

  it.each([
    ["one field", { name: "New name" }],
    ["all of the settings", everything],
    ["only its subscriptions", {}],
  ])("says that it is saved, and changes nothing the second time: %s", async (_, typed) => {
    const { uuid } = await makeWebhook({
      headers: { "X-Kept": "old", "X-Gone": "old" },
      rate_limit_per_s: 2,
    });
    const cookie = await writer();
    const fields = await open(uuid, cookie);
    for (const [name, value] of Object.entries(typed)) fields.set(name, value);
    fields.append("types-0", oneOff);
    await send(uuid, cookie, fields);
    const [before, webhook] = [await row(uuid), await readWebhook(uuid)];
    const second = await send(uuid, cookie, fields);
    expect([second.status, second.headers.get("Location")]).toEqual([303, `/webhooks/${uuid}`]);
    expect((await follow(second, cookie)).html).toContain("Saved. Changes apply from the next attempt.");
    expect(await row(uuid)).toEqual(before);
    expect(await readWebhook(uuid)).toEqual(webhook);
    expect((await audited()).filter((action) => action === "webhook.updated")).toHaveLength(1);
  });

  it.each([
    ["another URL of the same host", { url: "https://hooks.example.com/of-others" }],
    ["another secret", { secret: "of somebody else" }],
    ["another value of a header", { headers: { "X-New": "of somebody else" } }],
    ["another limit", { timeout_s: 8 }],
    ["other events", { subscriptions: [] }],
  ])("is refused where somebody else has put %s in its place between the two", async (_, others) => {
    const { uuid } = await makeWebhook({ subscriptions: [{ event_type: oneOff }] });
    const cookie = await writer();
    const fields = await open(uuid, cookie);
    for (const [name, value] of Object.entries({ ...everything, headers: "X-New: new" }))
      fields.set(name, value);
    expect((await send(uuid, cookie, fields)).status).toBe(303);
    await api("PUT", `${notifications}/subscribers/webhooks/${uuid}`, others);
    const before = await row(uuid);
    const second = await send(uuid, cookie, fields);
    expect(second.status).toBe(409);
    expect(second.html).toContain("Somebody else has changed this webhook");
    expect(await row(uuid)).toEqual(before);
  });

  it("says what is wrong beside its field, also where somebody else has changed the webhook meanwhile", async () => {
    const { uuid } = await makeWebhook();
    const cookie = await writer();
    const fields = await open(uuid, cookie);
    fields.set("timeout_s", "99");
    await api("PUT", `${notifications}/subscribers/webhooks/${uuid}`, { name: "By somebody else" });
    const wrong = await send(uuid, cookie, fields);
    expect(wrong.status).toBe(400);
    expect(wrong.html).toMatch(/id="timeout_s-error">Must be a whole number/);
    const mended = await fieldsOf(wrong.html, "webhook-form");
    mended.set("timeout_s", "9");
    expect((await send(uuid, cookie, mended)).status).toBe(409);
  });
});

describe("a name that a line of text cannot hold", () => {
  it.each([
    ["one\ntwo", "onetwo"],
    ["one\r\ntwo", "onetwo"],
    ["one\ttwo", "one\ttwo"],
    ["one  two", "one  two"],
  ])("stays as it is when nobody changed it: %j, which browsers send as %j", async (name, sent) => {
    const { uuid } = await makeWebhook({ name });
    const before = await row(uuid);
    const answer = await change(uuid, { name: sent });
    expect((await follow(answer, await writer())).html).toContain("Nothing was changed.");
    expect(await row(uuid)).toEqual(before);
  });

  it("can be replaced by one that differs only in its blanks", async () => {
    const { uuid } = await makeWebhook({ name: "one  two" });
    await change(uuid, { name: "one two" });
    expect((await readWebhook(uuid)).name).toBe("one two");
  });
});

describe("the test of an edit", () => {
  it("pings as it is stored, where nothing was typed", async () => {
    const { received } = receiver();
    const { uuid } = await makeWebhook();
    const cookie = await writer();
    const { html } = await send(uuid, cookie, await open(uuid, cookie), "test");
    expect(html).toContain("The test ping was delivered");
    expect(received.map(({ url }) => url)).toEqual([spec.url]);
  });

  it("pings as it would be, and stores nothing", async () => {
    const { received } = receiver(() => new Response("", { status: 410 }));
    const { uuid } = await makeWebhook({ headers: { "X-Kept": "old" } });
    const before = await row(uuid);
    const cookie = await writer();
    const fields = await open(uuid, cookie);
    fields.set("url", "https://hooks.example.com/typed");
    fields.set("name", "New name");
    const { html } = await send(uuid, cookie, fields, "test");
    expect(html).toContain("The test ping was not delivered: the receiver answered 410 Gone.");
    const [ping] = received;
    expect(ping?.url).toBe("https://hooks.example.com/typed");
    expect(ping?.body).toContain('"name":"New name"');
    expect(ping?.headers.get("X-Kept")).toBe("old");
    expect(ping?.headers.get("X-Hub-Signature")).toBe(await hmacHex(spec.secret, ping?.body ?? ""));
    expect(await row(uuid)).toEqual(before);
    expect(await audited()).not.toContain("webhook.updated");
  });

  it("says what is wrong, and sends nothing", async () => {
    const { received } = receiver();
    const { uuid } = await makeWebhook();
    const cookie = await writer();
    const fields = await open(uuid, cookie);
    fields.set("url", "http://localhost/typed");
    const { status, html } = await send(uuid, cookie, fields, "test");
    expect(status).toBe(200);
    expect(html).toContain("The test ping was not sent.");
    expect(received).toEqual([]);
  });
});
