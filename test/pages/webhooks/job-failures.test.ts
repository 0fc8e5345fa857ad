import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { runScheduled } from "../../../src/scheduled";
import { api, makeWebhook, notifications, readWebhook, type WebhookAnswer } from "../../api";
import { captureLog } from "../../receiver";
import { fieldsOf } from "../form";
import { cookieOf, follow, get, type Page, post } from "../page";
import { audited, reader, writer } from "./people";

const oneOff = "project:one-off-job:pipeline-run:failed";
const cron = "project:cron-job:run:pipeline-run:failed";
const project = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const unlimited = { project_uuid: null, job_uuid: null };

/** A webhook's subscriptions, without uuids. */
async function subscriptionsOf(uuid: string): Promise<Record<string, unknown>[]> {
  const { subscriptions } = await readWebhook(uuid);
  return subscriptions.map(({ event_type, project_uuid, job_uuid }) => ({
    event_type,
    project_uuid,
    job_uuid,
  }));
}

/** Turns the switch. @returns what the page then says of it. */
async function turn(to: "on" | "off"): Promise<string> {
  const cookie = await writer();
  const answer = await post("/job-failures", { to }, { cookie });
  expect(answer.status).toBe(303);
  const { html } = await follow(answer, cookie);
  const [, outcome = ""] = /<div id="job-failures-outcome" role="status">(.*?)<\/div>/.exec(html) ?? [];
  return outcome.replaceAll(/<[^>]*>/g, "");
}

describe("the switch for failed job runs", () => {
  it.each<[state: string, subscriptions: string[][], checked: string, says: string]>([
    [
      "on",
      [
        [oneOff, cron],
        [cron, "project:created", oneOff],
      ],
      "true",
      "On<",
    ],
    ["on, for one webhook", [[oneOff, cron]], "true", "On<"],
    ["off", [["project:created"], ["project:**"]], "false", "Off<"],
    ["on for some", [[oneOff, cron], []], "false", "On for some (1 of 2)<"],
    ["on in part", [[oneOff, cron], [], [cron]], "false", "On for some (1 of 3, 1 partly)<"],
  ])("is %s", async (_, subscriptions, checked, says) => {
    for (const types of subscriptions) {
      await makeWebhook({ subscriptions: types.map((event_type) => ({ event_type })) });
    }
    const { html } = await get("/", await writer());
    expect(html).toContain(`role="switch" aria-checked="${checked}"`);
    expect(html).toContain(says);
  });

  it("turned on, adds what is missing to every webhook, and nothing else", async () => {
    const bare = await makeWebhook();
    const partly = await makeWebhook({
      subscriptions: [{ event_type: cron }, { event_type: "project:created" }],
    });
    const before = await readWebhook(partly.uuid);
    expect(await turn("on")).toBe("On: 2 webhooks subscribed to failed job runs.");
    expect(await subscriptionsOf(bare.uuid)).toEqual([
      { event_type: oneOff, ...unlimited },
      { event_type: cron, ...unlimited },
    ]);
    const after = (await readWebhook(partly.uuid)).subscriptions;
    expect(after).toEqual([...before.subscriptions, expect.objectContaining({ event_type: oneOff })]);
    expect(await audited()).toContain("job_failures.switched_on");
  });

  it("gives each new subscription a uuid of its own", async () => {
    for (let i = 0; i < 3; i++) await makeWebhook();
    await turn("on");
    const { results } = await env.DB.prepare("select uuid from subscriptions").all<{ uuid: string }>();
    expect(new Set(results.map(({ uuid }) => uuid)).size).toBe(6);
    for (const { uuid } of results) {
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it("turned off, takes exactly its two, and leaves limited ones alone, which it says", async () => {
    const limited = { event_type: cron, project_uuid: project, job_uuid: null };
    const created = { event_type: "project:created", ...unlimited };
    const { uuid } = await makeWebhook({
      subscriptions: [{ event_type: oneOff }, limited, { event_type: cron }, created],
    });
    expect(await turn("off")).toBe(
      "Off: 1 webhook unsubscribed from failed job runs. 1 webhook still receives some, through a wildcard or a subscription for a project or job.",
    );
    expect(await subscriptionsOf(uuid)).toEqual([limited, created]);
    expect(await audited()).toContain("job_failures.switched_off");
  });

  it("turned off, leaves wildcards alone, which it says", async () => {
    const { uuid } = await makeWebhook({
      subscriptions: [{ event_type: "project:**" }, { event_type: cron }],
    });
    expect(await turn("off")).toContain("1 webhook still receives some, through a wildcard");
    expect(await subscriptionsOf(uuid)).toEqual([{ event_type: "project:**", ...unlimited }]);
  });

  it.each(["on", "off"] as const)("changes nothing, and writes nothing down, where it was %s", async (to) => {
    const types = to === "on" ? [oneOff, cron] : ["project:created"];
    const { uuid } = await makeWebhook({ subscriptions: types.map((event_type) => ({ event_type })) });
    const before = await readWebhook(uuid);
    expect(await turn(to)).toContain("No change");
    expect(await readWebhook(uuid)).toEqual(before);
    expect((await audited()).filter((action) => action.startsWith("job_failures"))).toEqual([]);
  });

  it("does not touch, and does not count, a webhook that is being deleted", async () => {
    await makeWebhook({ subscriptions: [{ event_type: oneOff }] });
    await makeWebhook({ subscriptions: [{ event_type: oneOff }, { event_type: cron }] });
    await env.DB.prepare("update webhooks set deleted_at = 1 where id = 1").run();
    expect((await get("/", await writer())).html).toContain(">On<");
    await turn("off");
    await turn("on");
    const rows = await env.DB.prepare("select count(*) as n from subscriptions where webhook_id = 1").first(
      "n",
    );
    expect(rows).toBe(1);
  });

  it("leads back to the page of the list that it was on", async () => {
    const { headers } = await post("/job-failures", { to: "on", after: "25" }, { cookie: await writer() });
    expect(headers.get("Location")).toBe("/?after=25");
  });

  it("is only told to readers, and refused to them", async () => {
    const { uuid } = await makeWebhook();
    const cookie = await reader();
    const { html } = await get("/", cookie);
    expect(html).toContain("Notifications when a job run fails");
    expect(html).not.toContain('action="/job-failures"');
    expect((await post("/job-failures", { to: "on" }, { cookie })).status).toBe(403);
    expect(await subscriptionsOf(uuid)).toEqual([]);
  });

  it("holds for what is published then", async () => {
    await makeWebhook();
    await turn("on");
    const path = `/api/notifications/subscribers/subscribed-to/${encodeURIComponent(cron)}`;
    const { body } = await api<{ subscribers: unknown[] }>("GET", path);
    expect(body.subscribers).toHaveLength(1);
  });
});

/** What one reads, without the marks. */
function text(html: string): string {
  return html
    .slice(html.indexOf("<main"))
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ");
}

/** So many webhooks that subscribe to failed job runs, called `Webhook 1` and so on. */
async function makeMany(count: number): Promise<WebhookAnswer[]> {
  const made: WebhookAnswer[] = [];
  for (let place = 1; place <= count; place++) {
    const subscriptions = [{ event_type: cron }, { event_type: "project:created" }, { event_type: oneOff }];
    made.push(await makeWebhook({ name: `Webhook ${place}`, subscriptions }));
  }
  return made;
}

/** All rows of subscriptions, as the database has them, but for the version that each change raises. */
async function rows(): Promise<unknown[]> {
  const columns = "id, uuid, webhook_id, event_type, project_uuid, job_uuid, created_at";
  return (await env.DB.prepare(`SELECT ${columns} FROM subscriptions ORDER BY id`).all()).results;
}

function change(uuid: string, subscriptions: Record<string, unknown>[]): Promise<unknown> {
  return api("PUT", `${notifications}/subscribers/webhooks/${uuid}`, { subscriptions });
}

/** Presses Undo on the list, as a person without scripts does. @returns what the list says then. */
async function undo(cookie: string): Promise<string> {
  const { html } = await get("/", cookie);
  const fields = await fieldsOf(html, "job-failures-undo");
  return outcomeIn(await follow(await post("/job-failures/undo", fields, { cookie }), cookie));
}

function outcomeIn({ html }: Page): string {
  const [, outcome = ""] = /<div id="job-failures-outcome" role="status">(.*?)<\/div>/.exec(html) ?? [];
  return outcome.replaceAll(/<[^>]*>/g, "");
}

describe("the switch, where it would change more than three webhooks", () => {
  it("asks first, and names them: nothing is changed until it is confirmed", async () => {
    await makeMany(4);
    await makeWebhook({ name: "Not concerned", subscriptions: [{ event_type: "project:**" }] });
    const before = await rows();
    const cookie = await writer();
    const asked = await post("/job-failures", { to: "off", after: "2" }, { cookie });
    expect(asked.status).toBe(303);
    expect(asked.headers.get("Location")).toBe("/job-failures?to=off&after=2");
    expect(await rows()).toEqual(before);

    const { status, html } = await get("/job-failures?to=off&after=2", cookie);
    expect(status).toBe(200);
    expect(html).toContain("<h1");
    for (const place of [1, 2, 3, 4]) expect(text(html)).toContain(`Webhook ${place} hooks.example.com`);
    expect(html).not.toContain("Not concerned");
    expect(html).toContain('href="/?after=2"');

    const confirmed = await post("/job-failures", await fieldsOf(html, "job-failures-confirm"), { cookie });
    expect(confirmed.headers.get("Location")).toBe("/?after=2");
    expect(outcomeIn(await follow(confirmed, cookie))).toContain(
      "Off: 4 webhooks unsubscribed from failed job runs.",
    );
    expect(await rows()).toHaveLength(5);
    expect((await audited()).filter((action) => action.startsWith("job_failures"))).toEqual([
      "job_failures.switched_off",
    ]);
  });

  it("asks before it is turned on, too", async () => {
    for (let place = 1; place <= 4; place++) await makeWebhook({ name: `Bare ${place}` });
    const cookie = await writer();
    const asked = await post("/job-failures", { to: "on" }, { cookie });
    expect(asked.headers.get("Location")).toBe("/job-failures?to=on");
    expect(await rows()).toEqual([]);
    const { html } = await get("/job-failures?to=on", cookie);
    expect(text(html)).toContain("Bare 4");
    await post("/job-failures", await fieldsOf(html, "job-failures-confirm"), { cookie });
    expect(await rows()).toHaveLength(8);
  });

  it("does not ask for three", async () => {
    await makeMany(3);
    expect(await turn("off")).toContain("Off: 3 webhooks unsubscribed from failed job runs.");
  });

  it("asks again where the webhooks are others than those that were confirmed", async () => {
    await makeMany(4);
    const cookie = await writer();
    const { html } = await get("/job-failures?to=off", cookie);
    const confirmed = await fieldsOf(html, "job-failures-confirm");
    await makeWebhook({ name: "One more", subscriptions: [{ event_type: cron }] });
    const before = await rows();
    const answer = await post("/job-failures", confirmed, { cookie });
    expect(answer.headers.get("Location")).toBe("/job-failures?to=off");
    const again = await follow(answer, cookie);
    expect(text(again.html)).toContain("Nothing was changed");
    expect(text(again.html)).toContain("One more");
    expect(await rows()).toEqual(before);
    // A wish to be asked no question is none that was asked.
    await post("/job-failures", { to: "off", confirmed: "yes" }, { cookie });
    expect(await rows()).toEqual(before);
  });

  it("leads back where there is nothing to ask, and is nothing for readers", async () => {
    await makeWebhook();
    const cookie = await writer();
    expect((await get("/job-failures?to=off", cookie)).headers.get("Location")).toBe("/");
    expect((await get("/job-failures?to=sideways", cookie)).status).toBe(400);
    expect((await post("/job-failures", { to: "sideways" }, { cookie })).status).toBe(400);
    expect((await get("/job-failures?to=on", await reader())).status).toBe(403);
    expect((await post("/job-failures/undo", { switch: "x" }, { cookie: await reader() })).status).toBe(403);
  });
});

describe("the undo of the switch", () => {
  it("gives every webhook back exactly what it had, uuids and order and all", async () => {
    await makeMany(2);
    const partly = await makeWebhook({
      subscriptions: [{ event_type: oneOff }, { event_type: cron, project_uuid: project }],
    });
    const before = await rows();
    await turn("off");
    expect(await subscriptionsOf(partly.uuid)).toHaveLength(1);
    expect(await undo(await writer())).toBe("Undone: resubscribed 3 webhooks.");
    expect(await rows()).toEqual(before);
    expect(await audited()).toContain("job_failures.undone");
  });

  it("takes exactly what was added", async () => {
    await makeMany(1);
    const bare = await makeWebhook();
    await makeWebhook({ subscriptions: [{ event_type: cron }] });
    const before = await rows();
    await turn("on");
    await change(bare.uuid, [
      { event_type: oneOff },
      { event_type: cron },
      { event_type: "project:updated" },
    ]);
    expect(await undo(await writer())).toBe("Undone: unsubscribed 2 webhooks.");
    expect(await subscriptionsOf(bare.uuid)).toEqual([{ event_type: "project:updated", ...unlimited }]);
    await change(bare.uuid, []);
    expect(await rows()).toEqual(before);
  });

  it("says what it could not restore, because it changed meanwhile, and restores the rest", async () => {
    const [resubscribed, deleted, full, kept] = await makeMany(4);
    const cookie = await writer();
    const { html } = await get("/job-failures?to=off", cookie);
    await post("/job-failures", await fieldsOf(html, "job-failures-confirm"), { cookie });
    await change(resubscribed?.uuid ?? "", [{ event_type: cron }]);
    const again = await readWebhook(resubscribed?.uuid ?? "");
    await api("DELETE", `${notifications}/subscribers/${deleted?.uuid}`);
    await fill(full?.uuid ?? "", 999);
    expect(await undo(cookie)).toBe(
      "Undone: resubscribed 2 webhooks. Not restored: Webhook 1 (subscribed again since); Webhook 3 (at the limit of 1,000 subscriptions); 1 webhook (deleted since).",
    );
    const { subscriptions } = await readWebhook(resubscribed?.uuid ?? "");
    expect(subscriptions.find(({ event_type }) => event_type === cron)).toEqual(again.subscriptions[0]);
    expect(subscriptions.find(({ event_type }) => event_type === oneOff)).toEqual(
      resubscribed?.subscriptions.find(({ event_type }) => event_type === oneOff),
    );
    expect((await readWebhook(full?.uuid ?? "")).subscriptions).toHaveLength(999);
    expect((await readWebhook(kept?.uuid ?? "")).subscriptions).toHaveLength(3);
  });

  it("leaves alone what was subscribed anew since it was added", async () => {
    const { uuid } = await makeWebhook({ name: "Alerts" });
    await turn("on");
    await change(uuid, []);
    await change(uuid, [{ event_type: cron }]);
    const before = await rows();
    expect(await undo(await writer())).toBe(
      "There was nothing left to undo. Not restored: Alerts (subscribed again since).",
    );
    expect(await rows()).toEqual(before);
  });

  it("works although the ids of its rows were given to others since", async () => {
    const [first] = await makeMany(1);
    await turn("off");
    const second = await makeWebhook({
      subscriptions: [{ event_type: "project:updated" }, { event_type: cron }],
    });
    await undo(await writer());
    const had = first?.subscriptions.map(({ uuid }) => uuid).toSorted();
    const has = (await readWebhook(first?.uuid ?? "")).subscriptions.map(({ uuid }) => uuid).toSorted();
    expect(has).toEqual(had);
    expect((await readWebhook(second.uuid)).subscriptions).toEqual(second.subscriptions);
  });

  it("is there once, for an hour, on every visit of those who may write, and no longer", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2040, 0, 1) });
    const hourMs = 3_600_000;
    captureLog();
    await makeMany(2);
    await turn("off");
    const cookie = await writer();
    const fields = await fieldsOf((await get("/", cookie)).html, "job-failures-undo");
    expect(text((await get("/", cookie)).html)).toContain("Turned off for 2 webhooks");
    expect((await get("/", await reader())).html).not.toContain("job-failures-undo");

    vi.setSystemTime(Date.UTC(2040, 0, 1) + hourMs - 1);
    expect((await get("/", cookie)).html).toContain("job-failures-undo");
    await runScheduled(env, Date.now());
    vi.setSystemTime(Date.UTC(2040, 0, 1) + hourMs);
    expect((await get("/", cookie)).html).not.toContain('id="job-failures-undo"');
    const late = await follow(await post("/job-failures/undo", fields, { cookie }), cookie);
    expect(outcomeIn(late)).toBe("Nothing was changed: it was already undone, or is more than an hour old.");
    expect(await rows()).toHaveLength(2);
    await runScheduled(env, Date.now());
    expect(await env.DB.prepare("SELECT count(*) FROM job_failure_changes").first("count(*)")).toBe(0);

    await turn("on");
    const on = await fieldsOf((await get("/", cookie)).html, "job-failures-undo");
    const answers = await Promise.all([0, 1].map(() => post("/job-failures/undo", on, { cookie })));
    const said = answers.map(({ headers }) => decodeURIComponent(cookieOf(headers)));
    expect(said.filter((one) => one.includes("Undone: unsubscribed 2 webhooks"))).toHaveLength(1);
    expect(said.filter((one) => one.includes("Nothing was changed"))).toHaveLength(1);
    expect(await rows()).toHaveLength(2);
  });
});

/** Subscribes the webhook to so many event types, none of which is the switch's. */
async function fill(uuid: string, count: number): Promise<void> {
  await env.DB.batch([
    env.DB.prepare(
      "DELETE FROM subscriptions WHERE webhook_id = (SELECT id FROM webhooks WHERE uuid = ?1)",
    ).bind(uuid),
    env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
       INSERT INTO subscriptions (uuid, webhook_id, event_type, project_uuid, created_at)
       SELECT 'filled-' || i, (SELECT id FROM webhooks WHERE uuid = ?1), 'project:created', 'project-' || i, 1 FROM n`,
    ).bind(uuid, count),
  ]);
}

it("the switch takes no webhook past 1,000 subscriptions, and says which it left out", async () => {
  for (const [name, count] of [
    ["Full", 1000],
    ["Nearly full", 999],
    ["Just fits", 998],
  ] as const) {
    await fill((await makeWebhook({ name })).uuid, count);
  }
  expect(await turn("on")).toBe(
    "On: 1 webhook subscribed to failed job runs. Skipped, at the limit of 1,000 subscriptions: Full, Nearly full.",
  );
  const { results } = await env.DB.prepare(
    "SELECT count(*) AS n FROM subscriptions GROUP BY webhook_id ORDER BY webhook_id",
  ).all();
  expect(results).toEqual([{ n: 1000 }, { n: 999 }, { n: 1000 }]);
  expect((await get("/", await writer())).html).toContain("On for some (1 of 3)<");
});
