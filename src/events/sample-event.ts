/** Sample events of Orchest's types with realistic data, for previews and for publishing test events. */

import { orchestTime } from "../platform/time";

/** The inputs of a sample: `now` in ms; `uuid` gives a new uuid at each call. */
export type SampleSource = { now: number; uuid: () => string };

/** The uuids in a sample event, and the steps of its pipeline. */
type Ids = Record<"event" | "project" | "environment" | "pipeline" | "job" | "run", string> & {
  steps: Step[];
};
type Step = { uuid: string; title: string };

/** Makes the fields of an event other than `uuid`, `type` and `timestamp`. @param state the last part of its type. */
type Layers = (ids: Ids, state: string) => Record<string, unknown>;

const pipelineName = "Train and evaluate";

/** By the type without its last part. Fields are nested as in Orchest's events, one layer per level of the type. */
const layersByPrefix: Record<string, Layers> = {
  project: (ids, state) => project(ids, state === "updated" ? { update: { name: "Churn forecast" } } : {}),
  "project:environment": (ids) => project(ids, { environment: environment(ids) }),
  "project:environment:image-build": (ids) =>
    project(ids, { environment: { ...environment(ids), image_build: {} } }),
  "project:pipeline": (ids, state) =>
    inPipeline(ids, state === "updated" ? { update: { name: "Train, tune and evaluate" } } : {}),
  "project:pipeline:interactive-session": (ids) => inPipeline(ids, { session: {} }),
  "project:pipeline:interactive-session:pipeline-run": (ids, state) =>
    inPipeline(ids, { session: { pipeline_run: sessionRun(ids, state) } }),
  "project:one-off-job": (ids, state) => inJob(ids, oneOffJob, state, {}),
  "project:one-off-job:pipeline-run": (ids, state) =>
    inJob(ids, oneOffJob, "started", { pipeline_run: jobRun(ids, state, {}) }),
  "project:cron-job": (ids, state) => inJob(ids, cronJob, state, {}),
  "project:cron-job:run": (ids, state) => inJob(ids, cronJob, "started", { run: cronRun(state) }),
  "project:cron-job:run:pipeline-run": (ids, state) =>
    inJob(ids, cronJob, "started", {
      run: { ...cronRun("started"), pipeline_run: jobRun(ids, state, { number_in_run: 1 }) },
    }),
  "jupyter:image-build": () => ({ jupyter: { image_build: {} } }),
};

/**
 * @param type one of Orchest's event types.
 * @returns an event of this type, which can be published.
 * @throws for any other type.
 */
export function sampleEvent(type: string, { now, uuid }: SampleSource): Record<string, unknown> {
  const end = type.lastIndexOf(":");
  const layers = layersByPrefix[type.slice(0, end)];
  if (layers === undefined) throw new Error(`There is no sample of ${type}.`);
  const ids = {
    event: uuid(),
    project: uuid(),
    environment: uuid(),
    pipeline: uuid(),
    job: uuid(),
    run: uuid(),
    steps: ["Load customers", "Train model", "Evaluate model"].map((title) => ({ uuid: uuid(), title })),
  };
  return { uuid: ids.event, type, timestamp: orchestTime(now), ...layers(ids, type.slice(end + 1)) };
}

function project(ids: Ids, more: Record<string, unknown>): Record<string, unknown> {
  return { project: { uuid: ids.project, name: "Churn prediction", ...more } };
}

function environment({ project, environment }: Ids): Record<string, unknown> {
  return {
    uuid: environment,
    url_path: `/environment?project_uuid=${project}&environment_uuid=${environment}`,
  };
}

/** As in Orchest's events, the pipeline has the event's uuid instead of its own. */
function inPipeline(ids: Ids, more: Record<string, unknown>): Record<string, unknown> {
  return project(ids, { pipeline: { uuid: ids.event, name: pipelineName, ...more } });
}

function sessionRun(ids: Ids, state: string): Record<string, unknown> {
  return {
    uuid: ids.run,
    url_path: `/pipeline?project_uuid=${ids.project}&pipeline_uuid=${ids.pipeline}`,
    steps: ids.steps,
    parameters: parametersOf(ids),
    ...failedSteps(ids, state),
  };
}

const oneOffJob = { name: "Retrain on last quarter", runs: 4 };
const cronJob = { name: "Nightly retraining", runs: 128 };

/** In Orchest's events, the changes of an updated job are nested in two objects named `update`. */
function inJob(
  ids: Ids,
  { name, runs }: typeof oneOffJob,
  state: string,
  more: Record<string, unknown>,
): Record<string, unknown> {
  const job = {
    uuid: ids.job,
    name,
    status: statuses[state] ?? "DRAFT",
    pipeline_name: pipelineName,
    url_path: `/job?project_uuid=${ids.project}&job_uuid=${ids.job}`,
    total_runs: runs,
    ...(state === "updated" && { update: { update: { name: `${name}, larger model` } } }),
    ...more,
  };
  return project(ids, { job });
}

/** The status of a job or run in each state. States that are not listed are before its start. */
const statuses: Record<string, string> = {
  started: "STARTED",
  unpaused: "STARTED",
  paused: "PAUSED",
  cancelled: "ABORTED",
  failed: "FAILURE",
  succeeded: "SUCCESS",
  deleted: "SUCCESS",
};

function cronRun(state: string): Record<string, unknown> {
  return { status: statuses[state], number: 17, total_pipeline_runs: 1 };
}

function jobRun(ids: Ids, state: string, place: { number_in_run?: number }): Record<string, unknown> {
  const { project, pipeline, job, run } = ids;
  return {
    uuid: run,
    number: 3,
    ...place,
    status: statuses[state] ?? "PENDING",
    parameters: parametersOf(ids),
    url_path: `/job-run?project_uuid=${project}&pipeline_uuid=${pipeline}&job_uuid=${job}&run_uuid=${run}`,
    ...failedSteps(ids, state),
  };
}

function parametersOf({ steps: [, train] }: Ids): Record<string, unknown> {
  return {
    ...(train && { [train.uuid]: { step: train, parameters: { epochs: 20, learning_rate: 0.001 } } }),
    pipeline_parameters: { parameters: { segment: "retail" } },
  };
}

function failedSteps({ steps: [, train] }: Ids, state: string): Record<string, unknown> {
  return state === "failed" ? { failed_steps: [train] } : {};
}
