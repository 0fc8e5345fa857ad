/**
 * Describes an event for people: a sentence, its outcome, facts and a link. Chat messages, the delivery log and lists
 * use it. Every text in it is from a publisher: callers must escape it for its destination.
 */
import {
  countOf,
  cutText,
  type Fields,
  isFields,
  objectAt,
  objectsOf,
  shownText,
  textOf,
} from "./event-fields";

/**
 * How an event ended, which decides colours, icons and priorities. `started` includes events about waiting to start.
 */
export type Outcome = "success" | "failure" | "cancelled" | "started" | "info";

/** A detail beside the sentence, such as `Run: 17`. */
type Fact = { label: string; value: string };

/** The description of an event. */
export type Sentence = {
  /** `Nightly retraining failed in Churn prediction: run 17, step Train model`. Plain text in one line. */
  title: string;
  outcome: Outcome;
  /** The most important first. */
  facts: Fact[];
  /** An absolute URL in Orchest, or null. */
  link: string | null;
  /** The sentence and its facts as plain text, a line each. */
  text: string;
};

/** Less than the 255 of a summary in Jira, which refuses longer ones. */
const titleCharactersMax = 250;
/** The most characters of a link, a limit of some services. Orchest's links have some 200. */
const linkCharactersMax = 1000;
const stepsShown = 5;
const parametersShown = 10;
/** The most steps whose parameters are read. */
const stepsRead = 50;

/** The verb and outcome for the last part of an event's type. */
const happenings: Record<string, { verb: string; outcome: Outcome }> = {
  created: { verb: "was created", outcome: "info" },
  updated: { verb: "was updated", outcome: "info" },
  deleted: { verb: "was deleted", outcome: "info" },
  started: { verb: "started", outcome: "started" },
  stopped: { verb: "stopped", outcome: "info" },
  cancelled: { verb: "was cancelled", outcome: "cancelled" },
  failed: { verb: "failed", outcome: "failure" },
  succeeded: { verb: "succeeded", outcome: "success" },
  paused: { verb: "was paused", outcome: "cancelled" },
  unpaused: { verb: "was resumed", outcome: "info" },
  "service-restarted": { verb: "had a service restarted", outcome: "info" },
};

/** The subject of a sentence, and the details after a colon. */
type Subject = { name: string; isProject?: boolean; details?: (string | null)[] };

/** The subjects, by the event's type without its last part. */
const subjects: Record<string, (event: Fields, state: string) => Subject> = {
  project: (event) => ({
    name: named("Project", textOf(objectAt(event, "project"), "name")),
    isProject: true,
  }),
  "project:environment": () => ({ name: "An environment" }),
  "project:environment:image-build": () => ({ name: "An environment image build" }),
  "project:pipeline": (event) => ({ name: named("Pipeline", pipelineName(event)) }),
  "project:pipeline:interactive-session": (event) => ({ name: session(event) }),
  "project:pipeline:interactive-session:pipeline-run": (event) => ({
    name: `A run of ${pipelineName(event) ?? "a pipeline"}`,
    details: [stepsText(runOf(event))],
  }),
  "project:one-off-job": (event) => ({ name: named("Job", jobName(event)) }),
  "project:one-off-job:pipeline-run": (event, state) => ({
    name: runName(jobName(event), "A job's pipeline run", state),
    details: [numbered("run", countOf(runOf(event), "number")), stepsText(runOf(event))],
  }),
  "project:cron-job": (event) => ({ name: named("Cron job", jobName(event)) }),
  "project:cron-job:run": (event) => ({
    name: jobName(event) ?? "A cron job's run",
    details: [numbered("run", countOf(objectAt(event, "project", "job", "run"), "number"))],
  }),
  "project:cron-job:run:pipeline-run": (event, state) => ({
    name: runName(jobName(event), "A cron job's pipeline run", state),
    details: [
      numbered("run", countOf(objectAt(event, "project", "job", "run"), "number")),
      pipelineRunOfCron(event),
      stepsText(runOf(event)),
    ],
  }),
  "jupyter:image-build": () => ({ name: "The JupyterLab image build" }),
};

/** The plural nouns for several subjects, by the same keys. */
const things: Record<string, string> = {
  project: "projects",
  "project:environment": "environments",
  "project:environment:image-build": "environment image builds",
  "project:pipeline": "pipelines",
  "project:pipeline:interactive-session": "interactive sessions",
  "project:pipeline:interactive-session:pipeline-run": "runs",
  "project:one-off-job": "jobs",
  "project:one-off-job:pipeline-run": "runs",
  "project:cron-job": "cron jobs",
  "project:cron-job:run": "runs",
  "project:cron-job:run:pipeline-run": "runs",
  "jupyter:image-build": "JupyterLab image builds",
};

/** The sentences of the gateway's own events, and of a test ping. */
const ownSentences: Record<
  string,
  (event: Fields) => { title: string; outcome: Outcome; details?: (string | null)[] }
> = {
  ping: () => ({ title: "Test ping: this webhook works", outcome: "success" }),
  "webhook:disabled": (event) => ({
    title: `${webhookName(event)} was disabled`,
    outcome: "failure",
    details: [textOf(event, "reason")],
  }),
  "webhook:delivery-dead": (event) => ({
    title: `A delivery of ${uncapitalised(webhookName(event))} was given up`,
    outcome: "failure",
  }),
  "webhook:recovered": (event) => ({
    title: `${webhookName(event)} works again`,
    outcome: "success",
  }),
};

/**
 * @param event the parsed event. Any value gives a sentence.
 * @param options.orchestUrl the URL of Orchest's pages, for links; null when it is not known. @returns the description.
 */
export function sentenceOf(event: unknown, { orchestUrl }: { orchestUrl: string | null }): Sentence {
  const fields = isFields(event) ? event : {};
  const type = typeof fields["type"] === "string" ? fields["type"] : "";
  const { title, outcome } = titleOf(type, fields);
  const facts = factsOf(type, fields);
  const shown = cutText(title, titleCharactersMax);
  return {
    title: shown,
    outcome,
    facts,
    link: linkOf(fields, orchestUrl),
    text: [shown, ...facts.map(({ label, value }) => `${label}: ${value}`)].join("\n"),
  };
}

/** @returns the noun and verb for several events of a type, such as `runs` and `failed`; null for an unknown type. */
export function happeningOf(type: unknown): { things: string; verb: string } | null {
  if (typeof type !== "string") return null;
  const end = type.lastIndexOf(":");
  const [subject, state] = [type.slice(0, end), type.slice(end + 1)];
  const plural = Object.hasOwn(things, subject) ? things[subject] : undefined;
  const verb = Object.hasOwn(happenings, state) ? happenings[state]?.verb : undefined;
  return plural === undefined || verb === undefined
    ? null
    : { things: plural, verb: verb.replace(/^was /, "were ") };
}

function titleOf(type: string, event: Fields): { title: string; outcome: Outcome } {
  const own = Object.hasOwn(ownSentences, type) ? ownSentences[type] : undefined;
  if (own !== undefined) {
    const { title, outcome, details = [] } = own(event);
    return { title: withDetails(title, details), outcome };
  }
  const end = type.lastIndexOf(":");
  const state = type.slice(end + 1);
  const subject = Object.hasOwn(subjects, type.slice(0, end)) ? subjects[type.slice(0, end)] : undefined;
  const happening = Object.hasOwn(happenings, type.slice(end + 1))
    ? happenings[type.slice(end + 1)]
    : undefined;
  if (subject === undefined || happening === undefined) return fallback(type, event);
  const { name, isProject = false, details = [] } = subject(event, state);
  const place = isProject ? "" : placeOf(event);
  const renamed = type.endsWith(":updated") ? newNameOf(event, type) : null;
  return {
    title: withDetails(`${name} ${happening.verb}${place}`, [...details, renamed]),
    outcome: happening.outcome,
  };
}

/** @returns the title for an unknown type, such as `Data set: imported in Churn prediction`. */
function fallback(type: string, event: Fields): { title: string; outcome: Outcome } {
  const levels = type.split(":").flatMap((level) => shownText(level.replaceAll(/[-_]/g, " ")) ?? []);
  const state = levels.at(-1);
  const last = type.slice(type.lastIndexOf(":") + 1);
  const outcome = Object.hasOwn(happenings, last) ? (happenings[last]?.outcome ?? "info") : "info";
  if (state === undefined) return { title: "An event without a type", outcome: "info" };
  const what = levels.slice(0, -1).at(-1);
  const title = what === undefined ? state : `${what}: ${state}`;
  return { title: `${capitalised(title)}${placeOf(event)}`, outcome };
}

function withDetails(title: string, details: (string | null)[]): string {
  const present = details.filter((detail) => detail !== null);
  return present.length === 0 ? title : `${title}: ${present.join(", ")}`;
}

function placeOf(event: Fields): string {
  const project = textOf(objectAt(event, "project"), "name");
  return project === null ? "" : ` in ${project}`;
}

function named(what: string, name: string | null): string {
  return name === null ? `A ${what.toLowerCase()}` : `${what} ${name}`;
}

function numbered(what: string, number: number | null): string | null {
  return number === null ? null : `${what} ${number}`;
}

function capitalised(text: string): string {
  const [first = "", ...rest] = Array.from(text);
  return first.toUpperCase() + rest.join("");
}

function uncapitalised(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function session(event: Fields): string {
  const pipeline = pipelineName(event);
  return pipeline === null ? "An interactive session" : `The interactive session of ${pipeline}`;
}

function webhookName(event: Fields): string {
  return named("Webhook", textOf(objectAt(event, "webhook"), "name"));
}

function pipelineName(event: Fields): string | null {
  const job = objectAt(event, "project", "job");
  return textOf(objectAt(event, "project", "pipeline"), "name") ?? textOf(job, "pipeline_name");
}

function jobName(event: Fields): string | null {
  return textOf(objectAt(event, "project", "job"), "name");
}

/**
 * @returns the name of a run. People call it by its job, as in "Nightly retraining failed". For `created` and `deleted`
 *   it is "A run of" the job, because the job itself was not created or deleted.
 */
function runName(job: string | null, unnamed: string, state: string): string {
  if (job === null) return unnamed;
  return state === "created" || state === "deleted" ? `A run of ${job}` : job;
}

/**
 * @returns the pipeline run's number within a cron job's run, which has several only if the job has several sets of
 *   parameters.
 */
function pipelineRunOfCron(event: Fields): string | null {
  const total = countOf(objectAt(event, "project", "job", "run"), "total_pipeline_runs");
  const number = countOf(runOf(event), "number_in_run");
  return total !== null && total > 1 && number !== null ? `pipeline run ${number} of ${total}` : null;
}

/** @returns the pipeline run of a job, of a cron job's run or of a session. */
function runOf(event: Fields): Fields {
  const project = objectAt(event, "project");
  const runs = [
    objectAt(project, "job", "run", "pipeline_run"),
    objectAt(project, "job", "pipeline_run"),
    objectAt(project, "pipeline", "session", "pipeline_run"),
  ];
  return runs.find((run) => Object.keys(run).length > 0) ?? {};
}

function stepsText(run: Fields): string | null {
  const titles = failedSteps(run);
  if (titles.length === 0) return null;
  return `${titles.length === 1 ? "step" : "steps"} ${listed(titles, stepsShown)}`;
}

function failedSteps(run: Fields): string[] {
  return objectsOf(run, "failed_steps", stepsRead).map((step) => textOf(step, "title") ?? "without a name");
}

function listed(texts: string[], shownMax: number): string {
  const more = texts.length - shownMax;
  return texts.slice(0, shownMax).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** @returns the new name in an update, or null. In a job's update it is nested twice. */
function newNameOf(event: Fields, type: string): string | null {
  const place = type.startsWith("project:pipeline") ? ["project", "pipeline"] : ["project", "job"];
  const update = objectAt(event, ...(type === "project:updated" ? ["project"] : place), "update");
  const name = textOf(update, "name") ?? textOf(objectAt(update, "update"), "name");
  return name === null ? null : `now ${name}`;
}

function factsOf(type: string, event: Fields): Fact[] {
  const job = objectAt(event, "project", "job");
  const run = runOf(event);
  const steps = failedSteps(run);
  const runNumber = countOf(objectAt(job, "run"), "number") ?? countOf(run, "number");
  const totalRuns = countOf(job, "total_runs");
  const facts: [string, string | null][] = [
    ["Project", textOf(objectAt(event, "project"), "name")],
    ["Job", jobName(event)],
    ["Pipeline", pipelineName(event)],
    [
      steps.length === 1 ? "Failed step" : "Failed steps",
      steps.length === 0 ? null : listed(steps, stepsShown),
    ],
    ["Run", runNumber === null ? null : runText(runNumber, type, totalRuns)],
    ["Parameters", parametersText(run)],
    ["Webhook", textOf(objectAt(event, "webhook"), "name")],
    ["Event", textOf(objectAt(event, "delivery"), "event_type")],
    ["Error", textOf(objectAt(event, "delivery"), "error")],
    ["Reason", textOf(event, "reason")],
  ];
  return facts.flatMap(([label, value]) => (value === null ? [] : [{ label, value }]));
}

/** @returns the number of a run. Only one-off jobs have a fixed total of runs. */
function runText(number: number, type: string, total: number | null): string {
  return type.startsWith("project:one-off-job:") && total !== null && total > 0
    ? `${number} of ${total}`
    : `${number}`;
}

/**
 * @returns the parameters, such as `epochs = 20, segment = retail`: first those of steps, then those of the pipeline.
 */
function parametersText(run: Fields): string | null {
  const { pipeline_parameters: ofPipeline, ...ofSteps } = objectAt(run, "parameters");
  const groups = [...Object.values(ofSteps).slice(0, stepsRead), ofPipeline];
  const pairs = groups.flatMap((group) =>
    isFields(group) ? Object.entries(objectAt(group, "parameters")).slice(0, parametersShown + 1) : [],
  );
  const texts = pairs.flatMap(([name, value]) => {
    const shownName = shownText(name, 40);
    const shownValue = shownText(typeof value === "string" ? value : briefJson(value), 40);
    return shownName === null ? [] : [`${shownName} = ${shownValue ?? '""'}`];
  });
  return texts.length === 0 ? null : listed(texts, parametersShown);
}

/** @returns shortened JSON of a value, which may be nested so deeply that `JSON.stringify` would run out of stack. */
function briefJson(value: unknown, depth = 0): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "";
  if (depth >= 3) return "…";
  const items = Object.entries(value)
    .slice(0, parametersShown)
    .map(
      ([name, one]) => (Array.isArray(value) ? "" : `${JSON.stringify(name)}:`) + briefJson(one, depth + 1),
    );
  return Array.isArray(value) ? `[${items.join(",")}]` : `{${items.join(",")}}`;
}

/**
 * @returns the URL of the run's, job's or environment's page in Orchest, or null. No path in an event can lead to
 *   another site.
 */
function linkOf(event: Fields, orchestUrl: string | null): string | null {
  const base = orchestUrl === null ? null : URL.parse(orchestUrl);
  if (base === null) return null;
  const places = [runOf(event), objectAt(event, "project", "job"), objectAt(event, "project", "environment")];
  const path = places.map((place) => place["url_path"]).find((value) => typeof value === "string");
  if (typeof path !== "string" || !/^\/(?![/\\])/.test(path)) return null;
  const url = URL.parse(base.href.replace(/\/$/, "") + path);
  const isShort = url !== null && url.href.length <= linkCharactersMax;
  return isShort && url.origin === base.origin ? url.href : null;
}
