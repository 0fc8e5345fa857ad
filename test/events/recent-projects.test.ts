import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { listRecentProjects } from "../../src/events/recent-projects";
import { makeEvent, publish } from "../event";
import { captureLog } from "../receiver";

const project = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const job = "1b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";

beforeEach(() => void captureLog());

async function accept(changes: Record<string, unknown>): Promise<void> {
  expect((await publish(makeEvent(changes))).status).toBe(202);
}

describe("the known projects and jobs", () => {
  it("are none in an empty archive", async () => {
    expect(await listRecentProjects(env.DB, { withNames: true })).toEqual([]);
  });

  it("are each there once, the latest first, with their latest names", async () => {
    await accept({ project: { uuid: project, name: "Old name" } });
    await accept({ project: { uuid: project, name: "Churn" } });
    const nightly = { uuid: job, name: "Nightly" };
    await accept({
      type: "project:cron-job:failed",
      project: { uuid: project, name: "Churn", job: nightly },
    });
    await accept({ type: "jupyter:image-build:failed" });
    expect(await listRecentProjects(env.DB, { withNames: true })).toEqual([
      { projectUuid: project, projectName: "Churn", jobUuid: job, jobName: "Nightly" },
      { projectUuid: project, projectName: "Churn", jobUuid: "", jobName: null },
    ]);
  });

  it("are nameless where no event gave a name", async () => {
    await accept({ project: { uuid: project } });
    expect(await listRecentProjects(env.DB, { withNames: true })).toEqual([
      { projectUuid: project, projectName: null, jobUuid: "", jobName: null },
    ]);
  });
});
