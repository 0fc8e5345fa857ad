import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { api, makeWebhook, readWebhook } from "../../api";
import { follow, get, post } from "../page";
import { audited, reader, writer } from "./people";

const oneOff = "project:one-off-job:pipeline-run:failed";
const cron = "project:cron-job:run:pipeline-run:failed";
const project = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const unlimited = { project_uuid: null, job_uuid: null };

/** What a webhook hears, without uuids. */
async function heard(uuid: string): Promise<Record<string, unknown>[]> {
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
      "On for all 2 webhooks",
    ],
    ["on, for one webhook", [[oneOff, cron]], "true", "On<"],
    ["off", [["project:created"], ["project:**"]], "false", "Off<"],
    ["on for some", [[oneOff, cron], [], [cron]], "false", "On for 1 of 3 webhooks, for 1 in part"],
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
    expect(await turn("on")).toBe("On: 2 webhooks will now hear of failed job runs, too.");
    expect(await heard(bare.uuid)).toEqual([
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
      "Off: the notification was taken from 1 webhook. 1 webhook goes on hearing of some, through a wildcard or for single projects or jobs: those subscriptions stay.",
    );
    expect(await heard(uuid)).toEqual([limited, created]);
    expect(await audited()).toContain("job_failures.switched_off");
  });

  it("turned off, leaves wildcards alone, which it says", async () => {
    const { uuid } = await makeWebhook({
      subscriptions: [{ event_type: "project:**" }, { event_type: cron }],
    });
    expect(await turn("off")).toContain("1 webhook goes on hearing of some, through a wildcard");
    expect(await heard(uuid)).toEqual([{ event_type: "project:**", ...unlimited }]);
  });

  it.each(["on", "off"] as const)("changes nothing, and writes nothing down, where it was %s", async (to) => {
    const types = to === "on" ? [oneOff, cron] : ["project:created"];
    const { uuid } = await makeWebhook({ subscriptions: types.map((event_type) => ({ event_type })) });
    const before = await readWebhook(uuid);
    expect(await turn(to)).toContain("Nothing was to change");
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
    expect(await heard(uuid)).toEqual([]);
  });

  it("holds for what is published then", async () => {
    await makeWebhook();
    await turn("on");
    const path = `/api/notifications/subscribers/subscribed-to/${encodeURIComponent(cron)}`;
    const { body } = await api<{ subscribers: unknown[] }>("GET", path);
    expect(body.subscribers).toHaveLength(1);
  });
});
