/** What an event calls its project and its job. */
import { isFields, objectAt, textOf } from "../send/message/event-fields";
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
