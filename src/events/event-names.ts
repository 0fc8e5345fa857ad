/** What an event calls its project and its job, and what it says. */
import { isFields, objectAt, textOf } from "../send/message/event-fields";
import { sentenceOfText } from "../send/message/event-text";
import type { EventNames } from "./archived-event";

/** @param text of an event. */
export function namesIn(text: string): EventNames {
  const value: unknown = JSON.parse(text);
  const event = isFields(value) ? value : {};
  return {
    project: textOf(objectAt(event, "project"), "name"),
    job: textOf(objectAt(event, "project", "job"), "name"),
  };
}

/** Longer names are cut. */
const nameCharactersMax = 100;

/** SQL of a list's columns that are made of an event's text; NULL where they are not asked for. */
export function textColumns(isAsked: boolean): string {
  if (!isAsked) return "NULL AS projectName, NULL AS jobName, NULL AS body";
  return `${nameAt("$.project.name")} AS projectName, ${nameAt("$.project.job.name")} AS jobName, body`;
}

/** SQL for the text at a path of the body; NULL for a body that is nested too deep for SQLite's JSON parser. */
function nameAt(path: "$.project.name" | "$.project.job.name"): string {
  return `CASE WHEN json_valid(body) THEN substr(body->>'${path}', 1, ${nameCharactersMax}) END`;
}

/** @returns a row without its text, and with its title where it has one. @param row `body`: null where it was not asked for. */
export function withTitle<Row extends { body: string | null }>(
  row: Row,
): Omit<Row, "body"> & { title?: string } {
  const { body, ...event } = row;
  return body === null ? event : { ...event, title: sentenceOfText(body, { orchestUrl: null }).title };
}
