/** What the form that publishes begins with: a sample, or a copy of an event of the archive. */
import { findArchived } from "../../events/archive-list";
import { indentJson } from "../../send/indent-json";
import { sampleEvent } from "../../events/sample-event";
import { orchestTime } from "../../platform/time";

/** @returns a sample's text, laid out. @param type one of Orchest's. */
export function sampleText(type: string): string {
  const source = { now: Date.now(), uuid: () => crypto.randomUUID() };
  return JSON.stringify(sampleEvent(type, source), null, 2);
}

/** @returns an archived event as a new one, with a uuid and a time of its own, and its type; null when it is gone. */
export async function copyOf(db: D1Database, uuid: string): Promise<{ type: string; text: string } | null> {
  const event = await findArchived(db, uuid.toLowerCase());
  return event === null ? null : { type: event.type, text: renewed(event.body, event.uuid) };
}

/** The text with another uuid, wherever it stands, and the time of now; the rest stays as it is written. */
function renewed(text: string, uuid: string): string {
  const ownTime = /^ "timestamp": ".*"/m;
  return indentJson(text)
    .replaceAll(new RegExp(uuid, "gi"), crypto.randomUUID())
    .replace(ownTime, ` "timestamp": "${orchestTime(Date.now())}"`);
}
