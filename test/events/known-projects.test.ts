import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { shardOf } from "../../src/events/shard/shard-of";
import { type KnownProject, listKnownProjects } from "../../src/events/known-projects";
import { passTime, stopClock } from "../clock";
import { makeEvent, makeEvents, publish, runShardAlarms } from "../event";
import { captureLog } from "../receiver";

const project = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const job = "1b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";

beforeEach(() => {
  stopClock();
  captureLog();
});

async function accept(changes: Record<string, unknown>): Promise<void> {
  expect((await publish(makeEvent(changes))).status).toBe(202);
  passTime(1);
}

const named = (name: string): Record<string, unknown> => ({ project: { uuid: project, name } });

/** A new uuid of an event that belongs to a shard. */
function uuidIn(shard: number): string {
  for (;;) {
    const uuid = crypto.randomUUID();
    if (shardOf(uuid, Number(env.EVENT_SHARDS)) === shard) return uuid;
  }
}

async function known(withNames = true): Promise<KnownProject[]> {
  await runShardAlarms();
  return listKnownProjects(env.DB, { withNames });
}

describe("the known projects and jobs", () => {
  it("are none before the first event", async () => {
    expect(await known()).toEqual([]);
  });

  it("are each there once, with the names that the latest event told, and stay, whatever comes behind them", async () => {
    await accept({ project: { uuid: project, name: "Old name" } });
    await accept({
      type: "project:cron-job:failed",
      project: { uuid: project, name: "Churn", job: { uuid: job, name: "Nightly" } },
    });
    await accept({ project: { uuid: project } });
    await accept({ type: "jupyter:image-build:failed" });
    const both = [
      { projectUuid: project, projectName: "Churn", jobUuid: "", jobName: null },
      { projectUuid: project, projectName: "Churn", jobUuid: job, jobName: "Nightly" },
    ];
    const sorted = (await known()).toSorted((a, b) => a.jobUuid.localeCompare(b.jobUuid));
    expect(sorted).toEqual(both);
    for (let batch = 0; batch < 6; batch += 1) await publish(makeEvents(100));
    expect(await known()).toHaveLength(2);
    expect(await known(false)).toContainEqual({ ...both[1], projectName: null, jobName: null });
  });

  it("keep a name that one shard saw although another saw a later event without one", async () => {
    await accept({ uuid: uuidIn(1), project: { uuid: project, name: "Churn" } });
    // The alarm of the first shard runs first.
    await accept({ uuid: uuidIn(0), project: { uuid: project } });
    expect(await known()).toMatchObject([{ projectName: "Churn" }]);
  });

  it("are nameless where no event gave a name, or one that is none", async () => {
    await accept({ project: { uuid: project } });
    await accept({ project: { uuid: job, name: 17 } });
    const none = { projectName: null, jobUuid: "", jobName: null };
    expect(await known()).toEqual([
      { projectUuid: job, ...none },
      { projectUuid: project, ...none },
    ]);
  });

  it("are written when a name is new or changed, and not for each event", async () => {
    await accept(named("Churn"));
    await runShardAlarms();
    for (let events = 0; events < 20; events += 1) await accept(named("Churn"));
    // Each shard has learned it.
    await runShardAlarms();
    const prepare = vi.spyOn(Object.getPrototypeOf(env.DB) as D1Database, "prepare");
    for (let events = 0; events < 20; events += 1) await accept(named("Churn"));
    await runShardAlarms();
    expect(prepare.mock.calls.filter(([sql]) => sql.includes("known_names"))).toEqual([]);
    prepare.mockRestore();
    await accept(named("Retention"));
    expect(await known()).toMatchObject([{ projectName: "Retention" }]);
  });

  it("are right again within hours when a project gets a name back that another shard saw it lose", async () => {
    await accept({ uuid: uuidIn(0), ...named("Churn") });
    expect(await known()).toMatchObject([{ projectName: "Churn" }]);
    await accept({ uuid: uuidIn(1), ...named("Retention") });
    expect(await known()).toMatchObject([{ projectName: "Retention" }]);
    await accept({ uuid: uuidIn(0), ...named("Churn") });
    passTime(6 * 3_600_000);
    await accept({ uuid: uuidIn(0), ...named("Churn") });
    expect(await known()).toMatchObject([{ projectName: "Churn" }]);
  });

  it("wait for a D1 that is down, and are written then", async () => {
    // A shard that was never asked anything has to learn from D1 who hears.
    for (const shard of [0, 1])
      await accept({ uuid: uuidIn(shard), project: { uuid: job, name: "Warm-up" } });
    await known();
    const prepare = vi.spyOn(Object.getPrototypeOf(env.DB) as D1Database, "prepare");
    prepare.mockImplementation(() => {
      throw new Error("D1 is gone");
    });
    await accept({ project: { uuid: project, name: "Churn" } });
    await runShardAlarms();
    prepare.mockRestore();
    passTime(60_000);
    expect(await known()).toContainEqual(expect.objectContaining({ projectName: "Churn" }));
  });
});
