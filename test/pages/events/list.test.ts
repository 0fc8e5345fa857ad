import { beforeEach, describe, expect, it } from "vitest";
import { passTime, stopClock } from "../../clock";
import { makeEvent, makeEvents, publish } from "../../event";
import { get, signIn } from "../page";
import { makeUsedToken } from "../../tokens";
import { reader } from "../webhooks/people";
import { publisher, words } from "./publisher";

beforeEach(stopClock);

const project = "aaaaaaaa-0000-4000-8000-000000000001";
const job = "bbbbbbbb-0000-4000-8000-000000000001";

/** The types in the rows of a page, in their order. */
function rows(html: string): string[] {
  const links = /<a href="\/events\/[0-9a-f-]{36}">([^<]*)<\/a>(?: <span class="event-type[^>]*>([^<]*)<)?/g;
  return [...html.matchAll(links)].map(([, first = "", type = first]) => type);
}

/** What stands beside a field as its error, tied to it. */
function errorOf(html: string, name: string): string | undefined {
  expect(html).toMatch(new RegExp(`<input[^>]*id="${name}"[^>]*aria-describedby="${name}-error"`));
  return new RegExp(`id="${name}-error">([^<]*)<`).exec(html)?.[1];
}

describe("GET /events, without an event", () => {
  it("teaches what one is, and offers to publish a sample", async () => {
    const { status, html } = await get("/events", await publisher());
    expect(status).toBe(200);
    expect(html).toContain("No events yet");
    expect(html).toContain('href="/events/new"');
  });

  it("says to those who may not publish which scope it takes, without a dead button", async () => {
    const { html } = await get("/events", await reader());
    expect(html).toContain("<code>events:publish</code>");
    expect(html).not.toContain('href="/events/new"');
  });

  it("keeps the filters where some are set", async () => {
    const { html } = await get("/events?type=project:created", await reader());
    expect(html).toContain("No events match the filters.");
    expect(html).toContain('value="project:created"');
  });
});

describe("GET /events", () => {
  it("lists events newest first, with the names of what they are about, and says how far back it reaches", async () => {
    await publish(makeEvent({ project: { uuid: project, name: "Churn prediction" } }));
    passTime(60_000);
    await publish(
      makeEvent({
        type: "project:one-off-job:failed",
        project: { uuid: project, name: "Churn prediction", job: { uuid: job, name: "Retrain" } },
      }),
    );
    passTime(60_000);
    const { status, html } = await get("/events", await reader());
    expect(status).toBe(200);
    expect(rows(html)).toEqual(["project:one-off-job:failed", "project:created"]);
    expect(words(html)).toMatch(/project:one-off-job:failed Churn prediction.*Retrain.*1 minute ago/);
    expect(html).toContain(`href="/events?project=${project}"`);
    expect(html).toContain(`href="/events?job=${job}"`);
    expect(words(html)).toContain("All events since 2 minutes ago are listed");
    expect(html).not.toMatch(/<script(?! type="module" src="\/)|<style| style=| on[a-z]+=/);
  });

  it("says what each event says, to those who may read it", async () => {
    await publish(makeEvent({ project: { uuid: project, name: "<b>Churn</b>" } }));
    const { html } = await get("/events", await reader());
    expect(html).toContain("Project &lt;b&gt;Churn&lt;/b&gt; was created</a>");
    const looker = await signIn((await makeUsedToken(["webhooks:read"])).token);
    const shown = (await get("/events", looker)).html;
    expect(shown).toContain(">project:created</a>");
    expect(shown).not.toMatch(/Churn|was created/);
  });

  it("escapes names, and shows uuids where an event has none", async () => {
    await publish(
      makeEvent({ project: { uuid: project, name: "<script>alert(1)</script>", job: { uuid: job } } }),
    );
    const { html } = await get("/events", await reader());
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html).not.toContain("<script>alert");
    expect(words(html)).toContain(job);
  });

  it("shows events that are nested too deep to be looked into, and names that are no texts", async () => {
    const deep = `${"[".repeat(2000)}${"]".repeat(2000)}`;
    const { uuid } = makeEvent();
    const text = JSON.stringify(makeEvent({ uuid, project: { uuid: project, name: "Deep" } }));
    await publish(`${text.slice(0, -1)},"deep":${deep}}`);
    await publish(makeEvent({ project: { uuid: project, name: { of: "no text" } } }));
    const { status, html } = await get("/events", await reader());
    expect(status).toBe(200);
    expect(rows(html)).toHaveLength(2);
    expect(words(html)).toContain('{"of":"no text"}');
  });

  it("shows 25, and leads on to older ones and back with the filters that are set", async () => {
    await publish(makeEvents(26));
    await publish(makeEvent({ type: "project:deleted" }));
    const cookie = await reader();
    const { html } = await get("/events?type=project%3Acreated", cookie);
    expect(rows(html)).toHaveLength(25);
    const [, next = ""] = /href="(\/events\?[^"]*cursor=[\d-]+)"/.exec(html) ?? [];
    const older = await get(next.replaceAll("&amp;", "&"), cookie);
    expect(rows(older.html)).toEqual(["project:created"]);
    expect(older.html).toContain('href="/events?type=project%3Acreated"');
    expect(older.html).not.toContain("cursor=");
  });

  it("offers every type that there can be to the filter", async () => {
    await publish(makeEvent());
    const { html } = await get("/events", await reader());
    expect(html.match(/<option value="/g)).toHaveLength(62);
    expect(html).toContain('list="event-types"');
  });
});

describe("a filter of GET /events", () => {
  beforeEach(async () => {
    await publish(makeEvent());
    passTime(3_600_000);
    await publish(makeEvent({ type: "project:updated", project: { uuid: project } }));
    passTime(3_600_000);
    await publish(
      makeEvent({ type: "project:one-off-job:failed", project: { uuid: project, job: { uuid: job } } }),
    );
  });

  it.each([
    ["type=project:updated", ["project:updated"]],
    [`project=${project.toUpperCase()}`, ["project:one-off-job:failed", "project:updated"]],
    [`job=%20${job}%20`, ["project:one-off-job:failed"]],
    ["since=2040-01-01T00:30", ["project:one-off-job:failed", "project:updated"]],
    ["until=2040-01-01T00:30", ["project:created"]],
    ["since=2040-01-01T01:00&until=2040-01-01T02:00", ["project:updated"]],
    [`project=${project}&type=project:created`, []],
  ])("%s leaves %j", async (query, types) => {
    const { status, html } = await get(`/events?${query}`, await reader());
    expect(status).toBe(200);
    expect(rows(html)).toEqual(types);
  });

  it.each([
    ["type", "project:creatd", "“project:creatd” is not an event type. Did you mean project:created"],
    ["type", "cpu", "“cpu” is not an event type. Choose one from the list."],
    ["project", "my project", "“my project” is not a UUID."],
    ["job", "7", "“7” is not a UUID."],
    ["since", "yesterday", "“yesterday” is not a time: use the format 2026-11-05T12:00, in UTC."],
    ["until", "2040-02-30T00:00", "“2040-02-30T00:00” is not a time"],
  ])("%s=%s is said to be wrong beside the field, and nothing is listed", async (name, value, sentence) => {
    const { status, html } = await get(`/events?${name}=${encodeURIComponent(value)}`, await reader());
    expect(status).toBe(400);
    expect(errorOf(html, name)).toContain(sentence);
    expect(html).toContain(`value="${value}"`);
    // A field for times would not show what is none.
    expect(html).not.toContain(`type="datetime-local" value="${value}"`);
    expect(rows(html)).toEqual([]);
  });

  it("with an end that is not later than the beginning is wrong", async () => {
    const time = "2040-01-01T01:00";
    const { status, html } = await get(`/events?since=${time}&until=${time}`, await reader());
    expect(status).toBe(400);
    expect(errorOf(html, "until")).toBe("The end must be after the start.");
  });

  it("escapes what was typed", async () => {
    const { html } = await get('/events?type="><script>alert(1)</script>', await reader());
    expect(html).not.toContain("<script>alert");
  });
});

it("GET /events is for those who may read", async () => {
  expect((await get("/events")).headers.get("Location")).toBe("/sign-in?next=%2Fevents");
});
