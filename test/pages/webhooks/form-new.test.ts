import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { api, notifications, readWebhook, type WebhookAnswer } from "../../api";
import { makeEvent, publish, runShardAlarms } from "../../event";
import { captureLog, receiver } from "../../receiver";
import { rowCounts } from "../../row-counts";
import { hmacHex } from "../../sign";
import { fieldsOf } from "../form";
import { follow, get, type Page, post } from "../page";
import { audited, reader, writer } from "./people";

const oneOff = "project:one-off-job:pipeline-run:failed";
const cron = "project:cron-job:run:pipeline-run:failed";
const project = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const job = "1b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const url = "https://hooks.slack.com/services/T000/typed";

/** The form as it begins, with what someone typed: a list where a name has several values. */
async function fill(cookie: string, typed: Record<string, string | string[]>): Promise<URLSearchParams> {
  const fields = await fieldsOf((await get("/webhooks/new", cookie)).html, "webhook-form");
  for (const [name, value] of Object.entries(typed)) {
    fields.delete(name);
    for (const one of [value].flat()) fields.append(name, one);
  }
  return fields;
}

/** Sends it by one of its buttons. */
function send(cookie: string, fields: URLSearchParams, button = { intent: "save" }): Promise<Page> {
  return post("/webhooks/new", new URLSearchParams([...fields, ...Object.entries(button)]), { cookie });
}

async function fillAndSend(
  typed: Record<string, string | string[]>,
  button?: { intent: string },
): Promise<Page> {
  const cookie = await writer();
  return send(cookie, await fill(cookie, typed), button);
}

/** The webhook that an answer leads to. */
function madeBy({ status, headers }: Page): Promise<WebhookAnswer> {
  expect(status).toBe(303);
  return readWebhook(headers.get("Location")?.split("/").at(-1) ?? "");
}

function part(html: string, id: string): string {
  const [, inside = ""] = new RegExp(`<div id="${id}"[^>]*>(.*?)</div>`, "s").exec(html) ?? [];
  return inside;
}

describe("GET /webhooks/new", () => {
  it("brings a secret of its own each time, and keeps it nowhere", async () => {
    const cookie = await writer();
    const [one, other] = await Promise.all([fill(cookie, {}), fill(cookie, {})]);
    expect(one.get("secret")).toMatch(/^[0-9a-f]{128}$/);
    expect(one.get("secret")).not.toBe(other.get("secret"));
    expect(one.get("uuid")).not.toBe(other.get("uuid"));
    expect(await rowCounts()).toEqual({ webhooks: 0, subscriptions: 0 });
  });

  it("offers every event type, and a wildcard for each branch, once", async () => {
    const { html } = await get("/webhooks/new", await writer());
    const { body } = await api<{ events: { name: string }[] }>("GET", `${notifications}/subscribable-events`);
    const offered = [...html.matchAll(/name="types-0" value="([^"]+)"/g)].map(([, value]) => value);
    expect(offered).toEqual(expect.arrayContaining(body.events.map(({ name }) => name)));
    expect(offered).toEqual(
      expect.arrayContaining(["**", "project:**", "project:cron-job:run:**", "webhook:**"]),
    );
    expect(new Set(offered).size).toBe(offered.length);
  });

  it("says which event type Orchest never sends, and of no other one", async () => {
    const { html } = await get("/webhooks/new", await writer());
    const [, ...choices] = html.split("data-choice=");
    const never = choices.filter((one) => one.includes("Orchest never sends it"));
    expect(never.map((one) => one.split('"')[1])).toEqual(["project:cron-job:succeeded"]);
  });

  it("offers the projects and jobs that events were about, by name", async () => {
    captureLog();
    const known = { uuid: project, name: "Churn", job: { uuid: job, name: "Nightly" } };
    await publish(makeEvent({ type: "project:cron-job:failed", project: known }));
    await runShardAlarms();
    const { html } = await get("/webhooks/new", await writer());
    expect(html).toContain(`<option value="${project}" label="Churn">`);
    expect(html).toContain(`<option value="${job}" label="Nightly · Churn" data-project="${project}">`);
  });

  it("is refused to readers", async () => {
    const cookie = await reader();
    expect((await get("/webhooks/new", cookie)).status).toBe(403);
    expect((await post("/webhooks/new", { intent: "save" }, { cookie })).status).toBe(403);
    expect(await rowCounts()).toEqual({ webhooks: 0, subscriptions: 0 });
  });
});

describe("saving a new webhook", () => {
  it("makes it, writes that down, and leads to its page, which says so", async () => {
    const cookie = await writer();
    const answer = await send(
      cookie,
      await fill(cookie, { url, name: "To Slack", "types-0": [oneOff, cron] }),
    );
    const made = await madeBy(answer);
    expect(made).toMatchObject({ name: "To Slack", url: "https://hooks.slack.com", verify_ssl: true });
    expect(made.subscriptions.map(({ event_type }) => event_type)).toEqual([oneOff, cron]);
    expect(await audited()).toContain("webhook.created");
    expect((await follow(answer, cookie)).html).toContain("Webhook “To Slack” created.");
  });

  it("takes every setting", async () => {
    const made = await madeBy(
      await fillAndSend({
        url,
        content_type: "application/x-www-form-urlencoded",
        ordering: "keyed",
        max_attempts: " 7 ",
        max_age_s: "3600",
        timeout_s: "12",
        rate_limit_per_s: "0.5",
        headers: "X-Team: data\r\nX-Note: a: b",
      }),
    );
    expect(made).toMatchObject({
      content_type: "application/x-www-form-urlencoded",
      ordering: "keyed",
      retry: { max_attempts: 7, max_age_s: 3600 },
      timeout_s: 12,
      rate_limit_per_s: 0.5,
      headers: { "X-Team": "********", "X-Note": "********" },
    });
  });

  it("leaves the gateway's own settings where nothing is typed", async () => {
    expect(await madeBy(await fillAndSend({ url, secret: "" }))).toMatchObject({
      ordering: "strict",
      retry: { max_attempts: null, max_age_s: null },
      timeout_s: null,
      rate_limit_per_s: null,
      headers: {},
    });
  });

  it("limits each group in its own way, whatever stands in fields that its limit does not use", async () => {
    const made = await madeBy(
      await fillAndSend({
        url,
        groups: "3",
        "types-0": oneOff,
        "project-0": "left over",
        "limit-1": "project",
        "project-1": ` ${project.toUpperCase()} `,
        "job-1": "left over",
        "types-1": ["project:**"],
        "limit-2": "job",
        "project-2": project,
        "job-2": job,
        "types-2": [cron, "project:cron-job:failed"],
      }),
    );
    expect(
      made.subscriptions.map(({ event_type, project_uuid, job_uuid }) => [
        event_type,
        project_uuid,
        job_uuid,
      ]),
    ).toEqual([
      [oneOff, null, null],
      ["project:**", project, null],
      [cron, project, job],
      ["project:cron-job:failed", project, job],
    ]);
  });

  it("verifies no certificate over http, as there is none", async () => {
    const made = await madeBy(await fillAndSend({ url: "http://hooks.example.com/typed", verify_ssl: "on" }));
    expect(made.verify_ssl).toBe(false);
  });

  it("says when it has no subscriptions", async () => {
    const cookie = await writer();
    const answer = await send(cookie, await fill(cookie, { url }));
    expect((await follow(answer, cookie)).html).toContain("It has no subscriptions yet");
  });

  it("sent twice, makes one webhook, and both lead to it", async () => {
    const cookie = await writer();
    const fields = await fill(cookie, { url, name: "Once" });
    const first = await send(cookie, fields);
    const second = await send(cookie, fields);
    expect(second.status).toBe(303);
    expect(second.headers.get("Location")).toBe(first.headers.get("Location"));
    expect((await follow(second, cookie)).html).toContain("This form already created the webhook.");
    expect((await rowCounts()).webhooks).toBe(1);
  });

  it("sent twice at the same moment, makes one webhook", async () => {
    const cookie = await writer();
    const fields = await fill(cookie, { url, "types-0": oneOff });
    const answers = await Promise.all([1, 2, 3].map(() => send(cookie, fields)));
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303]);
    expect(new Set(answers.map(({ headers }) => headers.get("Location"))).size).toBe(1);
    expect(await rowCounts()).toEqual({ webhooks: 1, subscriptions: 1 });
    expect((await audited()).filter((action) => action === "webhook.created")).toHaveLength(1);
  });

  it("submitted again after its webhook was deleted, asks first, and then creates one that works", async () => {
    receiver();
    const cookie = await writer();
    const fields = await fill(cookie, { url, "types-0": "project:created" });
    const { uuid } = await madeBy(await send(cookie, fields));
    await api("DELETE", `${notifications}/subscribers/${uuid}`);
    const refused = await send(cookie, fields);
    expect(refused.status).toBe(409);
    expect(refused.html).toContain("that this form created was deleted");
    const again = await madeBy(await send(cookie, await fieldsOf(refused.html, "webhook-form")));
    expect(again.uuid).not.toBe(uuid);
    expect((await publish(makeEvent())).body.accepted[0]?.deliveries).toBe(1);
  });

  it.each<[what: string, typed: Record<string, string | string[]>, field: string, sentence: string]>([
    [
      "no URL",
      { url: "" },
      "url",
      "Must be an absolute http or https URL, such as https://example.com/hook.",
    ],
    ["a private host", { url: "http://localhost/x" }, "url", "The host must be a public host name"],
    ["a long URL", { url: `https://a.com/${"x".repeat(2048)}` }, "url", "Must be at most 2048 characters."],
    ["a long name", { name: "x".repeat(101) }, "name", "Must be at most 100 characters."],
    ["a secret that is none", { secret: "whsec_§" }, "secret", "Must be base64 after whsec_"],
    ["too many attempts", { max_attempts: "101" }, "max_attempts", "Must be a whole number from 1 to 100."],
    ["no number", { timeout_s: "soon" }, "timeout_s", "Must be a whole number from 1 to 30."],
    ["a low rate", { rate_limit_per_s: "0.01" }, "rate_limit_per_s", "Must be a number from 0.1 to 1000."],
    [
      "a header of the gateway's",
      { headers: "Host: a" },
      "headers",
      "“Host”: this header is set by the gateway",
    ],
    [
      "a header without a value",
      { headers: "X-A" },
      "headers",
      "Must have one “Name: value” per line, each name once.",
    ],
    ["a header twice", { headers: "X-A: 1\nX-A: 2" }, "headers", "each name once."],
    [
      "a project that is none",
      { "limit-0": "project", "project-0": "mine", "types-0": oneOff },
      "group-0",
      "Project: must be a UUID.",
    ],
    [
      "a job that is none",
      { "limit-0": "job", "project-0": project, "types-0": oneOff },
      "group-0",
      "Job: must be a UUID.",
    ],
    [
      "a project without events",
      { "limit-0": "project", "project-0": project },
      "group-0",
      "Select at least one event type",
    ],
    [
      "an event type that is none",
      { "types-0": ["nonsense"] },
      "group-0",
      "“nonsense”: is not an event type.",
    ],
    [
      "a limit that does not fit",
      { "limit-0": "project", "project-0": project, "types-0": [oneOff, "jupyter:image-build:failed"] },
      "group-0",
      "“jupyter:image-build:failed”: only project:* can be limited to a project.",
    ],
  ])(
    "refuses %s beside its field, keeps what was typed, and changes nothing",
    async (_, typed, field, sentence) => {
      const cookie = await writer();
      const fields = await fill(cookie, { url, name: "Kept", ...typed });
      const { status, html } = await send(cookie, fields);
      expect(status).toBe(400);
      const [, beside = ""] = new RegExp(`id="${field}-error"[^>]*>(.*?)</p>`).exec(html) ?? [];
      expect(beside).toContain(sentence);
      expect(html).toMatch(new RegExp(`aria-describedby="[^"]*${field}-error"`));
      expect(html).toMatch(/id="form-errors" role="alert" tabindex="-1" autofocus/);
      expect(html).toContain(`<a href="#${field}">`);
      const kept = await fieldsOf(html, "webhook-form");
      kept.sort();
      fields.sort();
      expect(kept.toString()).toBe(fields.toString());
      expect(await rowCounts()).toEqual({ webhooks: 0, subscriptions: 0 });
    },
  );

  it("refuses https without verification, with the API's reason", async () => {
    const cookie = await writer();
    const fields = await fill(cookie, { url });
    fields.delete("verify_ssl");
    const { status, html } = await send(cookie, fields);
    expect(status).toBe(400);
    expect(html).toContain("Must be true for an https URL.");
  });

  it("names all fields that are wrong at once", async () => {
    const typed = { url: "ftp://a.com", name: "x".repeat(101), timeout_s: "0", rate_limit_per_s: "x" };
    const { html } = await fillAndSend(typed);
    expect(html.match(/<a href="#[a-z_]+">/g)).toEqual([
      '<a href="#url">',
      '<a href="#name">',
      '<a href="#timeout_s">',
      '<a href="#rate_limit_per_s">',
    ]);
  });

  it("escapes what was typed", async () => {
    const { html } = await fillAndSend({ url: `"><script>1</script>`, name: "</pre><script>2</script>" });
    expect(html).not.toContain("<script>");
  });

  it("responds with 400 to an invalid form", async () => {
    const cookie = await writer();
    const headers = { "Content-Type": "text/plain" };
    expect((await post("/webhooks/new", {}, { cookie, headers })).status).toBe(400);
  });
});

describe("the test of a new webhook", () => {
  it("sends a ping, signed with the secret that was typed, and stores nothing", async () => {
    const { received } = receiver();
    const { status, html } = await fillAndSend({ url, secret: "typed secret" }, { intent: "test" });
    expect(status).toBe(200);
    expect(received.map((one) => one.url)).toEqual([url]);
    const [ping] = received;
    expect(ping?.headers.get("X-Hub-Signature")).toBe(await hmacHex("typed secret", ping?.body ?? ""));
    expect(part(html, "tested")).toContain("The test ping was delivered.");
    expect(html).toContain('value="typed secret"');
    expect(await rowCounts()).toEqual({ webhooks: 0, subscriptions: 0 });
    expect(await audited()).not.toContain("webhook.created");
  });

  it("says what the service shows", async () => {
    receiver();
    const { html } = await fillAndSend({ url }, { intent: "test" });
    expect(html).toContain("The test ping was delivered. Slack shows: “✅ Test ping: this webhook works”.");
  });

  it("says why it failed, and repeats nothing of the URL", async () => {
    receiver(() => new Response("no_service", { status: 404 }));
    const { html } = await fillAndSend({ url }, { intent: "test" });
    expect(part(html, "tested")).toContain("the receiver answered 404 Not Found: “no_service”.");
    expect(part(html, "tested")).not.toContain("typed");
  });

  it("does not look at events, and at the rest like saving does", async () => {
    const { received } = receiver();
    await fillAndSend({ url, "types-0": ["nonsense"] }, { intent: "test" });
    expect(received).toHaveLength(1);
    const { html } = await fillAndSend({ url: "ftp://a.com", "types-0": ["nonsense"] }, { intent: "test" });
    expect(received).toHaveLength(1);
    expect(html).toMatch(/<div id="tested" role="status">.*The test ping was not sent\..*href="#url"/s);
    expect(html).toContain('id="url-error"');
  });

  it("is limited, and keeps what was typed", async () => {
    const { received } = receiver();
    const cookie = await writer();
    const fields = await fill(cookie, { url });
    vi.spyOn(env.PING_LIMIT, "limit").mockResolvedValue({ success: false });
    const { html } = await send(cookie, fields, { intent: "test" });
    expect(part(html, "tested")).toContain("Too many test pings.");
    expect(html).toContain(`value="${url}"`);
    expect(received).toEqual([]);
  });
});

describe("the form's other buttons", () => {
  it("make another secret, and keep the rest", async () => {
    const cookie = await writer();
    const fields = await fill(cookie, { url, name: "Kept" });
    const { status, html } = await send(cookie, fields, { intent: "new-secret" });
    expect(status).toBe(200);
    const next = await fieldsOf(html, "webhook-form");
    expect(next.get("secret")).toMatch(/^[0-9a-f]{128}$/);
    expect(next.get("secret")).not.toBe(fields.get("secret"));
    expect([next.get("url"), next.get("name"), next.get("uuid")]).toEqual([url, "Kept", fields.get("uuid")]);
  });

  it("select common event types in the group without a limit", async () => {
    const cookie = await writer();
    const fields = await fill(cookie, { "types-0": ["project:created"], preset: "job-failures" });
    const selected = await fieldsOf((await send(cookie, fields, { intent: "" })).html, "webhook-form");
    expect(selected.getAll("types-0").toSorted()).toEqual([cron, "project:created", oneOff].toSorted());
    fields.set("limit-0", "project");
    const beside = await fieldsOf((await send(cookie, fields, { intent: "" })).html, "webhook-form");
    expect(beside.getAll("types-0").toSorted()).toEqual([cron, oneOff].toSorted());
    expect([beside.get("limit-1"), beside.getAll("types-1")]).toEqual(["project", ["project:created"]]);
  });

  it("add a group of events, open, with a tree of its own", async () => {
    const cookie = await writer();
    const { html } = await send(cookie, await fill(cookie, {}), { intent: "add-group" });
    const fields = await fieldsOf(html, "webhook-form");
    expect([fields.get("groups"), fields.get("limit-1")]).toEqual(["2", "project"]);
    expect(html.match(/<details class="event-group" open/g)).toHaveLength(2);
    expect(html).toContain('name="types-1" value="project:created"');
  });
});
