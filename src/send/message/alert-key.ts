/** Keys of alerts. A job's failure and its later success have the same key, so that the success resolves the alert. */
import { countOf, objectAt, textOf } from "./event-fields";
import type { Notice } from "./notice";

const keyCharactersMax = 255;

/** The action of a notice on its alert. `inform`: it opens an alert of its own, for information only. */
export type AlertAction = "open" | "resolve" | "inform";

/** @returns the action. A test ping informs, so that it is displayed. */
export function alertActionOf({ sentence, isTest }: Notice): AlertAction {
  if (isTest) return "inform";
  if (sentence.outcome === "failure") return "open";
  return sentence.outcome === "success" ? "resolve" : "inform";
}

/**
 * @returns the alert's key, which identifies the event's job, environment, pipeline session or webhook. It has at most
 *   255 characters, the limit of PagerDuty's `dedup_key`. Another alert with the same key changes the open alert.
 */
export function alertKeyOf(notice: Notice): string {
  const subject = subjectOf(notice);
  const isOfSubject = alertActionOf(notice) !== "inform" && !isOneOfSeveral(notice);
  const key = isOfSubject ? subject : `${subject}:${notice.type}`;
  return `orchest:${key}`.slice(0, keyCharactersMax).toWellFormed();
}

/**
 * Whether an event is the success of one of several pipeline runs. It says nothing about the others, one of which may
 * have failed: its key is that of no open alert. The success of all of them is an event of the job or its run.
 */
function isOneOfSeveral({ fields, type }: Notice): boolean {
  if (!type.endsWith(":pipeline-run:succeeded")) return false;
  const job = objectAt(fields, "project", "job");
  const total = countOf(objectAt(job, "run"), "total_pipeline_runs") ?? countOf(job, "total_runs");
  return total !== null && total > 1;
}

function subjectOf({ fields, isTest, webhook, type }: Notice): string {
  if (isTest) return `test:${webhook.uuid}`;
  const project = objectAt(fields, "project");
  const named: [string, string | null][] = [
    ["job", textOf(objectAt(project, "job"), "uuid")],
    ["environment", textOf(objectAt(project, "environment"), "uuid")],
    ["webhook", textOf(objectAt(fields, "webhook"), "uuid")],
  ];
  const [kind, uuid] = named.find(([, one]) => one !== null) ?? ["", null];
  if (uuid !== null) return `${kind}:${uuid}`;
  // The name identifies a pipeline, because by a mistake of Orchest an event contains its own uuid as the pipeline's.
  const place = [textOf(project, "uuid"), textOf(objectAt(project, "pipeline"), "name")];
  const level = type.slice(0, Math.max(type.lastIndexOf(":"), 0));
  return [level, ...place].filter(Boolean).join(":");
}
