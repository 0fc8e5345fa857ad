/** What an alert is about: the same for a job's failure and its later success, so that the one resolves the other. */
import { objectAt, textOf } from "./event-fields";
import type { Notice } from "./notice";

const keyCharactersMax = 255;

/** What a notice does to its alert. `tell`: an alert of its own that only informs. */
export type AlertAction = "open" | "resolve" | "tell";

/** A test is shown, though it is no failure. */
export function alertActionOf({ sentence, isTest }: Notice): AlertAction {
  if (isTest) return "tell";
  if (sentence.outcome === "failure") return "open";
  return sentence.outcome === "success" ? "resolve" : "tell";
}

/**
 * The alert's key: per job, environment, session of a pipeline, or webhook, whichever the event is about. At most 255
 * characters, those of PagerDuty's `dedup_key`; the same key again changes the alert that is open.
 */
export function alertKeyOf(notice: Notice): string {
  const subject = subjectOf(notice);
  const key = alertActionOf(notice) === "tell" ? `${subject}:${notice.type}` : subject;
  return `orchest:${key}`.slice(0, keyCharactersMax).toWellFormed();
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
  // A pipeline's uuid in an event is the event's own, a slip of Orchest's: its name stands for it.
  const place = [textOf(project, "uuid"), textOf(objectAt(project, "pipeline"), "name")];
  const level = type.slice(0, Math.max(type.lastIndexOf(":"), 0));
  return [level, ...place].filter(Boolean).join(":");
}
