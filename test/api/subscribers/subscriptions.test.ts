import { describe, expect, it } from "vitest";
import { api, makeWebhook, notifications, readWebhook, spec } from "../../api";
import { rowCounts } from "../../row-counts";

const path = `${notifications}/subscribers/webhooks`;
const project = "11111111-2222-4333-8444-555555555555";
const job = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

describe("a webhook's subscriptions", () => {
  it.each([
    ["to an event type of no project", { event_type: "jupyter:image-build:failed" }],
    ["to every project", { event_type: "project:created" }],
    ["to one project", { event_type: "project:pipeline:created", project_uuid: project }],
    [
      "to a one-off job",
      { event_type: "project:one-off-job:pipeline-run:failed", project_uuid: project, job_uuid: job },
    ],
    ["to a cron job", { event_type: "project:cron-job:run:failed", project_uuid: project, job_uuid: job }],
  ])("may be %s", async (_, subscription) => {
    const { uuid } = await makeWebhook({ subscriptions: [subscription] });
    const { subscriptions } = await readWebhook(uuid);
    expect(subscriptions).toEqual([
      {
        uuid: expect.any(String),
        subscriber_uuid: uuid,
        project_uuid: null,
        job_uuid: null,
        ...subscription,
      },
    ]);
  });

  it("may be repeated, which is ignored", async () => {
    const limited = { event_type: "project:deleted", project_uuid: project };
    const repeated = [
      { event_type: "project:deleted" },
      limited,
      { event_type: "project:deleted", project_uuid: null, job_uuid: null },
      { ...limited, project_uuid: project.toUpperCase() },
    ];
    const { subscriptions } = await makeWebhook({ subscriptions: repeated });
    expect(subscriptions.map((subscription) => subscription.project_uuid)).toEqual([null, project]);
  });

  it("may be 1,000", async () => {
    const projects = Array.from({ length: 1000 }, () => crypto.randomUUID());
    const many = projects.map((uuid) => ({ event_type: "project:created", project_uuid: uuid }));
    const { subscriptions } = await makeWebhook({ subscriptions: many });
    expect(subscriptions.map((subscription) => subscription.project_uuid)).toEqual(projects);
  });

  it("give their uuids in lower case", async () => {
    const upper = { event_type: "project:one-off-job:created", project_uuid: project.toUpperCase() };
    const { subscriptions } = await makeWebhook({
      subscriptions: [{ ...upper, job_uuid: job.toUpperCase() }],
    });
    expect(subscriptions[0]).toMatchObject({ project_uuid: project, job_uuid: job });
  });

  it.each([
    [
      "1,001",
      Array.from({ length: 1001 }, () => ({ event_type: "project:created" })),
      /at most 1000 entries/,
    ],
    ["without an event type", [{}], /^subscriptions\[0\]\.event_type: is required/],
    [
      "text",
      ["project:created"],
      /^subscriptions\[0\]: a subscription must be an object with the fields event_type/,
    ],
    ["null", [null], /^subscriptions\[0\]: a subscription must be an object/],
    ["to an unknown event type", [{ event_type: "project:craeted" }], /Did you mean project:created or /],
    [
      "to a nonsensical event type",
      [{ event_type: "x" }],
      /is not an event type\. GET .*subscribable-events/,
    ],
    ["to a ping", [{ event_type: "ping" }], /is not an event type/],
    ["to an empty event type", [{ event_type: "" }], /is not an event type/],
    ["to an inherited name", [{ event_type: "constructor" }], /is not an event type/],
    [
      "to a job without its project",
      [{ event_type: "project:one-off-job:created", job_uuid: job }],
      /^subscriptions\[0\]\.job_uuid: must be sent together with the project_uuid/,
    ],
    [
      "to a job, of events that no job has",
      [{ event_type: "project:pipeline:created", project_uuid: project, job_uuid: job }],
      /^subscriptions\[0\]\.job_uuid: only project:one-off-job:\* and project:cron-job:\*/,
    ],
    [
      "to a project, of events that no project has",
      [{ event_type: "jupyter:image-build:failed", project_uuid: project }],
      /^subscriptions\[0\]\.project_uuid: only project:\*/,
    ],
    [
      "to a project that is no uuid",
      [{ event_type: "project:created", project_uuid: "p" }],
      /must be a UUID/,
    ],
    [
      "to an empty project",
      [{ event_type: "project:created", project_uuid: "" }],
      /project_uuid: must be a UUID/,
    ],
    [
      "to a number",
      [{ event_type: "project:created", project_uuid: 1 }],
      /project_uuid: must be a UUID or null/,
    ],
    [
      "with an unknown field",
      [{ event_type: "project:created", projectUuid: project }],
      /^subscriptions\[0\]: unknown field projectUuid: a subscription has the fields event_type, project_uuid, job_uuid\.$/,
    ],
    [
      "wrong in one entry of many",
      [{ event_type: "project:created" }, { event_type: "project:deleted" }, { event_type: "nonsense" }],
      /^subscriptions\[2\]\.event_type/,
    ],
  ])("may not be %s, which changes nothing", async (_, subscriptions, message) => {
    const { status, body } = await api("POST", path, { ...spec, subscriptions });
    expect(status).toBe(400);
    expect(body).toEqual({ message: expect.stringMatching(message) });
    expect(await rowCounts()).toEqual({ webhooks: 0, subscriptions: 0 });
  });

  it("that are wrong a thousand times are answered with one short sentence", async () => {
    const wrong = Array.from({ length: 1000 }, () => ({ event_type: 1 }));
    const { body } = await api("POST", path, { ...spec, subscriptions: wrong });
    expect(body.message).toMatch(/And 995 more\.$/);
    expect(body.message.length).toBeLessThan(500);
  });
});
