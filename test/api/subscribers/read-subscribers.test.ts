import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type Answer, api, makeWebhook, notifications, type WebhookAnswer } from "../../api";

const unknown = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const project = "11111111-2222-4333-8444-555555555555";
const otherProject = "99999999-2222-4333-8444-555555555555";
const job = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const otherJob = "ffffffff-bbbb-4ccc-8ddd-eeeeeeeeeeee";

type Listed = { subscribers: WebhookAnswer[] };

describe("GET /subscribers", () => {
  it("is empty at first", async () => {
    const { status, body } = await api<Listed>("GET", `${notifications}/subscribers`);
    expect(status).toBe(200);
    expect(body).toEqual({ subscribers: [] });
  });

  it("gives every webhook in order of creation, without its subscriptions", async () => {
    const subscriptions = [{ event_type: "project:created" }];
    const shown = [];
    for (const name of ["c", "a", "b"]) {
      shown.push({ ...(await makeWebhook({ name, subscriptions })), subscriptions: [] });
    }
    const { body, text } = await api<Listed>("GET", `${notifications}/subscribers`);
    expect(body.subscribers).toEqual(shown);
    expect(text).not.toContain("secret");
  });

  it("leaves out what is being deleted", async () => {
    await makeWebhook();
    await env.DB.prepare("update webhooks set deleted_at = 1").run();
    expect((await api<Listed>("GET", `${notifications}/subscribers`)).body).toEqual({ subscribers: [] });
  });
});

describe("GET /subscribers/{uuid}", () => {
  it("gives the webhook with its subscriptions, and nothing secret", async () => {
    const made = await makeWebhook({
      subscriptions: [{ event_type: "project:one-off-job:failed", project_uuid: project, job_uuid: job }],
    });
    const { status, body, text } = await api<WebhookAnswer>(
      "GET",
      `${notifications}/subscribers/${made.uuid}`,
    );
    expect(status).toBe(200);
    expect(body).toEqual(made);
    expect(text).not.toContain("secret");
  });

  it("takes the uuid in upper case", async () => {
    const made = await makeWebhook();
    const { body } = await api<WebhookAnswer>(
      "GET",
      `${notifications}/subscribers/${made.uuid.toUpperCase()}`,
    );
    expect(body.uuid).toBe(made.uuid);
  });

  it.each([unknown, "webhooks", "no-uuid", "1' or '1'='1"])("answers 404 for %s", async (uuid) => {
    const { status, body } = await api("GET", `${notifications}/subscribers/${encodeURIComponent(uuid)}`);
    expect(status).toBe(404);
    expect(body).toEqual({ message: `Subscriber ${uuid} does not exist.` });
  });

  it("answers 404 for what is being deleted", async () => {
    const { uuid } = await makeWebhook();
    await env.DB.prepare("update webhooks set deleted_at = 1").run();
    expect((await api("GET", `${notifications}/subscribers/${uuid}`)).status).toBe(404);
  });
});

function subscribedTo(eventType: string, query = ""): Promise<Answer<Listed & { message: string }>> {
  return api("GET", `${notifications}/subscribers/subscribed-to/${eventType}${query}`);
}

describe("GET /subscribers/subscribed-to/{event_type}", () => {
  const type = "project:cron-job:run:failed";

  async function makeOneOfEach(): Promise<void> {
    const filters: [name: string, filter: Record<string, string>][] = [
      ["global", {}],
      ["project", { project_uuid: project }],
      ["job", { project_uuid: project, job_uuid: job }],
      ["other project", { project_uuid: otherProject }],
      ["other job", { project_uuid: project, job_uuid: otherJob }],
    ];
    for (const [name, filter] of filters) {
      await makeWebhook({ name, subscriptions: [{ event_type: type, ...filter }] });
    }
    await makeWebhook({
      name: "other type",
      subscriptions: [{ event_type: "project:cron-job:run:started" }],
    });
  }

  it.each([
    ["without a filter, global ones", "", ["global"]],
    ["with a project, also those of the project", `?project_uuid=${project}`, ["global", "project"]],
    [
      "with a job, also those of the job",
      `?project_uuid=${project}&job_uuid=${job}`,
      ["global", "project", "job"],
    ],
    [
      "with a project in upper case, the same",
      `?project_uuid=${project.toUpperCase()}`,
      ["global", "project"],
    ],
    ["with an unknown project, global ones", `?project_uuid=${unknown}`, ["global"]],
    [
      "with an unknown job, those of the project",
      `?project_uuid=${project}&job_uuid=${unknown}`,
      ["global", "project"],
    ],
    ["with empty filters, global ones", "?project_uuid=&job_uuid=", ["global"]],
  ])("gives, %s", async (_, query, names) => {
    await makeOneOfEach();
    const { status, body } = await subscribedTo(encodeURIComponent(type), query);
    expect(status).toBe(200);
    expect(body.subscribers.map(({ name }) => name)).toEqual(names);
  });

  it("gives a webhook with several matching subscriptions once, without them", async () => {
    const subscriptions = [{ event_type: type }, { event_type: type, project_uuid: project }];
    const made = await makeWebhook({ subscriptions });
    const { body } = await subscribedTo(encodeURIComponent(type), `?project_uuid=${project}`);
    expect(body.subscribers).toEqual([{ ...made, subscriptions: [] }]);
  });

  it("takes the event type without percent-encoding too", async () => {
    await makeOneOfEach();
    expect((await subscribedTo(type)).body.subscribers).toHaveLength(1);
  });

  it.each(["project%3Acraeted", "x", "%F0%9F%94%A5", "project:%25"])(
    "gives none for %s",
    async (eventType) => {
      await makeOneOfEach();
      const { status, body } = await subscribedTo(eventType);
      expect(status).toBe(200);
      expect(body).toEqual({ subscribers: [] });
    },
  );

  it("answers 400 for a job without its project", async () => {
    const { status, body } = await subscribedTo(encodeURIComponent(type), `?job_uuid=${job}`);
    expect(status).toBe(400);
    expect(body).toEqual({
      message: expect.stringMatching(/^job_uuid: must be sent together with the project_uuid/),
    });
  });

  it("leaves out what is being deleted", async () => {
    await makeOneOfEach();
    await env.DB.prepare("update webhooks set deleted_at = 1").run();
    expect((await subscribedTo(type)).body.subscribers).toEqual([]);
  });
});
