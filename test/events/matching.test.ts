import { describe, expect, it, vi } from "vitest";
import { makeWebhook } from "../api";
import { makeEvent, publish } from "../event";
import { receiver } from "../receiver";

const project = "11111111-1111-4111-8111-111111111111";
const otherProject = "22222222-2222-4222-8222-222222222222";
const job = "33333333-3333-4333-8333-333333333333";
const otherJob = "44444444-4444-4444-8444-444444444444";

const failed = "project:cron-job:run:failed";
const ofProject = { type: failed, project: { uuid: project } };
const ofJob = { type: failed, project: { uuid: project, job: { uuid: job } } };

describe("an event matches", () => {
  it.each([
    ["a subscription to its type", {}, { type: failed }],
    ["a subscription to its type, when it is of a project", {}, ofProject],
    ["a subscription to its type, when it is of a job", {}, ofJob],
    ["a subscription to its project", { project_uuid: project }, ofProject],
    ["a subscription to its project, when it is of a job", { project_uuid: project }, ofJob],
    ["a subscription to its job", { project_uuid: project, job_uuid: job }, ofJob],
    [
      "a subscription to its project, written in other letters",
      { project_uuid: project },
      { type: failed, project: { uuid: project.toUpperCase() } },
    ],
  ])("%s", async (_, filter, changes) => {
    const { received } = receiver();
    await makeWebhook({ subscriptions: [{ event_type: failed, ...filter }] });
    expect((await publish(makeEvent(changes))).body.accepted[0]?.deliveries).toBe(1);
    await vi.waitFor(() => expect(received).toHaveLength(1));
  });
});

describe("an event does not match", () => {
  it.each([
    ["a subscription to another type", { event_type: "project:cron-job:run:started" }, { type: failed }],
    [
      "a subscription to a type that begins with its own",
      { event_type: "project:cron-job:run:pipeline-run:failed" },
      { type: failed },
    ],
    [
      "a subscription to a type that its own begins with",
      { event_type: "project:pipeline:created" },
      { type: "project:pipeline:interactive-session:started" },
    ],
    ["a subscription to another project", { event_type: failed, project_uuid: otherProject }, ofJob],
    ["a subscription to a project, when it is of none", { event_type: failed, project_uuid: project }, {}],
    [
      "a subscription to another job of its project",
      { event_type: failed, project_uuid: project, job_uuid: otherJob },
      ofJob,
    ],
    [
      "a subscription to a job, when it is only of the job's project",
      { event_type: failed, project_uuid: project, job_uuid: job },
      ofProject,
    ],
    [
      "a subscription to a job of the same uuid in another project",
      { event_type: failed, project_uuid: otherProject, job_uuid: job },
      ofJob,
    ],
    [
      "a project's subscription by the uuid of its pipeline",
      { event_type: failed, project_uuid: otherProject },
      { type: failed, project: { uuid: project, pipeline: { uuid: otherProject } } },
    ],
  ])("%s", async (_, subscription, changes) => {
    receiver();
    await makeWebhook({ subscriptions: [subscription] });
    const { body } = await publish(makeEvent({ type: failed, ...changes }));
    expect(body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 0 });
  });
});

it("a webhook with several subscriptions that match gets an event once", async () => {
  const { received } = receiver();
  await makeWebhook({
    subscriptions: [
      { event_type: failed },
      { event_type: failed, project_uuid: project },
      { event_type: failed, project_uuid: project, job_uuid: job },
    ],
  });
  expect((await publish(makeEvent(ofJob))).body.accepted[0]?.deliveries).toBe(1);
  await vi.waitFor(() => expect(received).toHaveLength(1));
});

it("each event of an array goes to the webhooks that match it", async () => {
  const { received } = receiver();
  await makeWebhook({ url: "https://a.example.com/", subscriptions: [{ event_type: failed }] });
  await makeWebhook({
    url: "https://b.example.com/",
    subscriptions: [{ event_type: failed, project_uuid: project }, { event_type: "project:created" }],
  });
  const { body } = await publish([
    makeEvent(),
    makeEvent({ type: failed }),
    makeEvent(ofProject),
    makeEvent({ type: "project:deleted" }),
  ]);
  expect(body.accepted.map(({ deliveries }) => deliveries)).toEqual([1, 1, 2, 0]);
  await vi.waitFor(() => expect(received).toHaveLength(4));
  const typesAt = (url: string): (string | null)[] =>
    received.filter((request) => request.url === url).map(({ headers }) => headers.get("X-Orchest-Event"));
  expect(typesAt("https://a.example.com/")).toEqual([failed, failed]);
  expect(typesAt("https://b.example.com/")).toEqual(["project:created", failed]);
});
