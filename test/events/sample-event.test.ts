import { describe, expect, it } from "vitest";
import { parseEvents } from "../../src/events/parse-events";
import { sampleEvent } from "../../src/events/sample-event";
import { orchestTime } from "../../src/platform/time";
import { orchestEventTypes } from "../../src/events/types";
import { forAll } from "../for-all";

type Node = Record<string, unknown>;

const now = Date.UTC(2026, 10, 5, 12, 30, 0, 7);

/** Uuids that tell in which order they were asked for. */
function counted(): () => string {
  let last = 0;
  return () => `00000000-0000-4000-8000-${String((last += 1)).padStart(12, "0")}`;
}

function sample(type: string): Node {
  return sampleEvent(type, { now, uuid: counted() });
}

/** What is at a path of names, or undefined. */
function at(event: Node, path: string): unknown {
  return path.split(".").reduce<unknown>((node, name) => (node as Node | undefined)?.[name], event);
}

/** Where each kind of event keeps what it is about, and the fields there, beside what only some states have. */
const nesting: [prefix: string, path: string, fields: string[]][] = [
  ["project", "project", ["uuid", "name"]],
  ["project:environment", "project.environment", ["uuid", "url_path"]],
  ["project:environment:image-build", "project.environment.image_build", []],
  ["project:pipeline", "project.pipeline", ["uuid", "name"]],
  ["project:pipeline:interactive-session", "project.pipeline.session", []],
  [
    "project:pipeline:interactive-session:pipeline-run",
    "project.pipeline.session.pipeline_run",
    ["uuid", "url_path", "steps", "parameters"],
  ],
  [
    "project:one-off-job",
    "project.job",
    ["uuid", "name", "status", "pipeline_name", "url_path", "total_runs"],
  ],
  [
    "project:one-off-job:pipeline-run",
    "project.job.pipeline_run",
    ["uuid", "number", "status", "parameters", "url_path"],
  ],
  ["project:cron-job", "project.job", ["uuid", "name", "status", "pipeline_name", "url_path", "total_runs"]],
  ["project:cron-job:run", "project.job.run", ["status", "number", "total_pipeline_runs"]],
  [
    "project:cron-job:run:pipeline-run",
    "project.job.run.pipeline_run",
    ["uuid", "number", "number_in_run", "status", "parameters", "url_path"],
  ],
  ["jupyter:image-build", "jupyter.image_build", []],
];

describe("a sample of each of Orchest's types", () => {
  it("can be published, and has its own uuid, type and time", () =>
    forAll(orchestEventTypes, (type) => {
      const event = sample(type);
      const parsed = parseEvents(JSON.stringify(event));
      expect(parsed).toMatchObject({ events: [{ type, uuid: "00000000-0000-4000-8000-000000000001" }] });
      expect(event["timestamp"]).toBe("2026-11-05 12:30:00.007000+00:00");
    }));

  it("is nested as Orchest's events are, with their fields", () =>
    forAll(orchestEventTypes, (type) => {
      const end = type.lastIndexOf(":");
      const [, path = "", fields = []] = nesting.find(([prefix]) => prefix === type.slice(0, end)) ?? [];
      const node = at(sample(type), path) as Node;
      expect(Object.keys(node)).toEqual(expect.arrayContaining(fields));
      const onlySometimes = new Set(["update", "failed_steps"]);
      expect(Object.keys(node).filter((name) => !fields.includes(name) && !onlySometimes.has(name))).toEqual(
        [],
      );
    }));
});

describe("a sample", () => {
  it.each([
    ["project:updated", "project.update"],
    ["project:pipeline:updated", "project.pipeline.update"],
    ["project:cron-job:updated", "project.job.update.update"],
  ])("of %s says what changed at %s", (type, path) => {
    expect(at(sample(type), path)).toBeTypeOf("object");
    expect(at(sample(type.replace("updated", "created")), path)).toBeUndefined();
  });

  it.each([
    ["project:pipeline:interactive-session:pipeline-run", "project.pipeline.session.pipeline_run"],
    ["project:one-off-job:pipeline-run", "project.job.pipeline_run"],
    ["project:cron-job:run:pipeline-run", "project.job.run.pipeline_run"],
  ])("of a failed %s names the steps that failed, and that of another state does not", (prefix, path) => {
    const [step] = at(sample(`${prefix}:failed`), `${path}.failed_steps`) as Node[];
    expect(step).toEqual({ uuid: expect.any(String) as unknown, title: "Train model" });
    expect(at(sample(`${prefix}:succeeded`), `${path}.failed_steps`)).toBeUndefined();
  });

  it.each([
    ["project:cron-job:created", "project.job.status", "DRAFT"],
    ["project:cron-job:paused", "project.job.status", "PAUSED"],
    ["project:one-off-job:cancelled", "project.job.status", "ABORTED"],
    ["project:cron-job:run:failed", "project.job.run.status", "FAILURE"],
    ["project:one-off-job:pipeline-run:created", "project.job.pipeline_run.status", "PENDING"],
    ["project:cron-job:run:pipeline-run:succeeded", "project.job.run.pipeline_run.status", "SUCCESS"],
  ])("of %s has at %s the status %s", (type, path, status) => {
    expect(at(sample(type), path)).toBe(status);
  });

  it("gives the parameters of a step under the step's uuid, and those of the pipeline", () => {
    const event = sample("project:one-off-job:pipeline-run:started");
    const parameters = at(event, "project.job.pipeline_run.parameters") as Node;
    const [uuid = ""] = Object.keys(parameters);
    expect(parameters[uuid]).toEqual({
      step: { uuid, title: "Train model" },
      parameters: { epochs: 20, learning_rate: 0.001 },
    });
    expect(parameters["pipeline_parameters"]).toEqual({ parameters: { segment: "retail" } });
  });

  it("has the event's uuid where a pipeline's should be, as Orchest's have", () => {
    const event = sample("project:pipeline:created");
    expect(at(event, "project.pipeline.uuid")).toBe(event["uuid"]);
  });

  it("of a type that is not Orchest's does not exist", () => {
    expect(() => sample("webhook:disabled")).toThrow(/no sample of webhook:disabled/);
  });
});

it("writes times as Orchest does, in UTC with six digits", () => {
  expect(orchestTime(0)).toBe("1970-01-01 00:00:00.000000+00:00");
});
