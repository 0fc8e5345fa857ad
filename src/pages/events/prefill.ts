/** Initial payloads of the form that publishes: a sample, or a copy of an archived event. */
import { findEvent } from "../../events/find-event";
import { indentJson } from "../../send/indent-json";
import { sampleEvent } from "../../events/sample-event";
import { orchestTime } from "../../platform/time";

/** @returns a sample event as indented JSON. @param type an event type of Orchest. */
export function sampleText(type: string): string {
  const source = { now: Date.now(), uuid: () => crypto.randomUUID() };
  return JSON.stringify(sampleEvent(type, source), null, 2);
}

/** @returns a copy of an archived event with a new uuid and timestamp; null when it does not exist. */
export async function copyOf(env: Env, uuid: string): Promise<{ type: string; text: string } | null> {
  const event = await findEvent(env, uuid.toLowerCase());
  return event === null ? null : { type: event.type, text: renewed(event.body, event.uuid) };
}

/** Replaces the uuid wherever it occurs, and the timestamp. */
function renewed(text: string, uuid: string): string {
  const timestampLine = /^ "timestamp": ".*"/m;
  return indentJson(text)
    .replaceAll(new RegExp(uuid, "gi"), crypto.randomUUID())
    .replace(timestampLine, ` "timestamp": "${orchestTime(Date.now())}"`);
}
