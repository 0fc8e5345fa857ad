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

/** @returns a row without its text, and with its title where it has one. @param row `body`: null where it was not asked for. */
export function withTitle<Row extends { body: string | null }>(
  row: Row,
): Omit<Row, "body"> & { title?: string } {
  const { body, ...event } = row;
  return body === null ? event : { ...event, title: sentenceOfText(body, { orchestUrl: null }).title };
}
