/** The names of an event's project and job, and its title, from its text. */
import { isFields, objectAt, textOf } from "../send/message/event-fields";
import { sentenceOfText } from "../send/message/event-text";
import type { EventNames } from "./archived-event";

/** @param text the event's source text. @returns the names of its project and job. */
export function namesIn(text: string): EventNames {
  const value: unknown = JSON.parse(text);
  const event = isFields(value) ? value : {};
  return {
    project: textOf(objectAt(event, "project"), "name"),
    job: textOf(objectAt(event, "project", "job"), "name"),
  };
}

/** The most characters of a name. */
const nameCharactersMax = 100;

/**
 * @param isAsked whether the columns are wanted; NULL otherwise. @returns SQL for the columns of a list that come from
 *   an event's text.
 */
export function textColumns(isAsked: boolean): string {
  if (!isAsked) return "NULL AS projectName, NULL AS jobName, NULL AS body";
  return `${nameAt("$.project.name")} AS projectName, ${nameAt("$.project.job.name")} AS jobName, body`;
}

/** SQL for the text at a path of the body; NULL for a body that is nested too deep for SQLite's JSON parser. */
function nameAt(path: "$.project.name" | "$.project.job.name"): string {
  return `CASE WHEN json_valid(body) THEN substr(body->>'${path}', 1, ${nameCharactersMax}) END`;
}

/**
 * @param row `body`: null when the text columns were not wanted. @returns the row without its text, but with its title.
 */
export function withTitle<Row extends { body: string | null }>(
  row: Row,
): Omit<Row, "body"> & { title?: string } {
  const { body, ...event } = row;
  return body === null ? event : { ...event, title: sentenceOfText(body, { orchestUrl: null }).title };
}
