import { describe, expect, it } from "vitest";
import { api, makeWebhook, notifications } from "../api";
import { makeEvent, publish } from "../event";
import { patternsFor, typesMatchedBy } from "../../src/events/patterns";
import { subscribableEventTypes } from "../../src/events/types";
import { receiver } from "../receiver";

const project = "11111111-1111-4111-8111-111111111111";
const job = "22222222-2222-4222-8222-222222222222";
const aboutJob = { project: { uuid: project, job: { uuid: job } } };

async function deliveriesOf(subscriptions: Record<string, unknown>[], event: object): Promise<number> {
  receiver();
  await makeWebhook({ subscriptions });
  const { body } = await publish(makeEvent({ ...event }));
  return body.accepted[0]?.deliveries ?? -1;
}

describe("a wildcard", () => {
  it("of one level matches the types directly below", () => {
    expect(typesMatchedBy("project:cron-job:run:*")).toEqual([
      "project:cron-job:run:started",
      "project:cron-job:run:succeeded",
      "project:cron-job:run:failed",
    ]);
  });

  it("of any depth matches every type below, and not the type of that name", () => {
    const matched = typesMatchedBy("project:cron-job:**");
    expect(matched).toHaveLength(18);
    expect(matched.every((type) => type.startsWith("project:cron-job:"))).toBe(true);
  });

  it("alone matches every type", () => {
    expect(typesMatchedBy("**")).toEqual(subscribableEventTypes);
  });

  it("catches a type that appears later", () => {
    expect(patternsFor("project:cron-job:run:retried")).toContain("project:cron-job:run:*");
    expect(patternsFor("cluster:node:added")).toEqual([
      "cluster:node:added",
      "cluster:node:*",
      "cluster:**",
      "cluster:node:**",
      "**",
    ]);
  });

  it.each(["project:cron-job:*", "project:**", "project:cron-job:**", "**"])(
    "%s delivers",
    async (event_type) => {
      expect(await deliveriesOf([{ event_type }], { type: "project:cron-job:failed", ...aboutJob })).toBe(1);
    },
  );

  it.each(["project:*", "project:one-off-job:*", "jupyter:**"])(
    "%s does not match types elsewhere",
    async (event_type) => {
      expect(await deliveriesOf([{ event_type }], { type: "project:cron-job:failed", ...aboutJob })).toBe(0);
    },
  );

  it("and an exact subscription of one webhook make one delivery", async () => {
    const subscriptions = [
      { event_type: "project:**" },
      { event_type: "project:cron-job:failed" },
      { event_type: "project:cron-job:*", project_uuid: project },
    ];
    expect(await deliveriesOf(subscriptions, { type: "project:cron-job:failed", ...aboutJob })).toBe(1);
  });

  it("can be limited to a project and to a job where all of its types can", async () => {
    const limited = { event_type: "project:cron-job:**", project_uuid: project, job_uuid: job };
    expect(await deliveriesOf([limited], { type: "project:cron-job:failed", ...aboutJob })).toBe(1);
    const other = { project: { uuid: project, job: { uuid: crypto.randomUUID() } } };
    const { body } = await publish(makeEvent({ type: "project:cron-job:failed", ...other }));
    expect(body.accepted[0]?.deliveries).toBe(0);
  });

  it.each([
    [{ event_type: "**", project_uuid: project }, /project_uuid/],
    [{ event_type: "project:**", project_uuid: project, job_uuid: job }, /job_uuid/],
    [{ event_type: "project:nothing:*" }, /matches no event type/],
    [{ event_type: "project*" }, /event_type/],
    [{ event_type: "*" }, /event_type/],
  ])("that makes no sense is a 400: %j", async (subscription, message) => {
    const { status, body } = await api("POST", `${notifications}/subscribers/webhooks`, {
      url: "https://hooks.example.com/x",
      verify_ssl: true,
      subscriptions: [subscription],
    });
    expect(status).toBe(400);
    expect(body.message).toMatch(message);
  });

  it("counts in subscribed-to", async () => {
    const { uuid } = await makeWebhook({ subscriptions: [{ event_type: "project:cron-job:*" }] });
    const path = `${notifications}/subscribers/subscribed-to/${encodeURIComponent("project:cron-job:failed")}`;
    const { body } = await api<{ subscribers: { uuid: string }[] }>("GET", path);
    expect(body.subscribers.map((webhook) => webhook.uuid)).toEqual([uuid]);
  });
});
