import { describe, expect, it } from "vitest";
import { orchestEventTypes } from "../../src/events/types";
import { api, notifications } from "../api";

type Listed = { events: { name: string; optional_filters: string[][] }[] };

async function list(): Promise<Listed["events"]> {
  const { status, body } = await api<Listed>("GET", `${notifications}/subscribable-events`);
  expect(status).toBe(200);
  return body.events;
}

describe("GET /subscribable-events", () => {
  it("gives all of Orchest's 59 event types, and then the gateway's own three", async () => {
    const names = (await list()).map(({ name }) => name);
    expect(names).toHaveLength(62);
    expect(names.slice(0, 59)).toEqual(orchestEventTypes);
    expect(names.slice(59)).toEqual(["webhook:disabled", "webhook:delivery-dead", "webhook:recovered"]);
  });

  it.each([
    ["jupyter:image-build:failed", []],
    ["webhook:disabled", []],
    ["project:created", [["project_uuid"]]],
    ["project:pipeline:interactive-session:pipeline-run:failed", [["project_uuid"]]],
    ["project:one-off-job:created", [["project_uuid"], ["project_uuid", "job_uuid"]]],
    ["project:cron-job:run:pipeline-run:failed", [["project_uuid"], ["project_uuid", "job_uuid"]]],
  ])("says by what %s can be limited", async (name, filters) => {
    expect((await list()).find((event) => event.name === name)).toEqual({ name, optional_filters: filters });
  });
});
