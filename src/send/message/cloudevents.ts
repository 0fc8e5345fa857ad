/** CloudEvents in structured mode (CloudEvents 1.0.2, "JSON Event Format"). */
import { isoTime } from "../../platform/time";
import { parseTimestampUs } from "../../platform/timestamp";
import type { BuiltMessage, MessageInput } from "./build-message";
import { isFields } from "./event-fields";

/**
 * @returns a CloudEvent. `data` is the event's unchanged source text. Its id is the event's uuid, so that a repeat has
 *   the same id, as CloudEvents requires.
 */
export function cloudEvent({ event, options, orchestUrl, deliveryUuid }: MessageInput): BuiltMessage {
  const parsed: unknown = JSON.parse(event);
  const { uuid, type, timestamp } = isFields(parsed) ? parsed : {};
  const time = typeof timestamp === "string" ? rfc3339(timestamp) : null;
  const attributes = JSON.stringify({
    specversion: "1.0",
    id: textOr(uuid, deliveryUuid),
    source: options["source"] ?? orchestUrl ?? "/orchest",
    type: textOr(type, "unknown"),
    ...(time !== null && { time }),
    datacontenttype: "application/json",
  });
  return {
    body: `${attributes.slice(0, -1)},"data":${event}}`,
    contentType: "application/cloudevents+json; charset=UTF-8",
  };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value : otherwise;
}

/**
 * Keeps the digits and the zone of a time that is, but for its punctuation, in a form of RFC 3339 that libraries read: not
 * with a leap second, and with nine digits at most. Other times are written in UTC with microseconds.
 * @returns the time in RFC 3339; null when the text is not a time, or one outside RFC 3339's years.
 */
function rfc3339(timestamp: string): string | null {
  const us = parseTimestampUs(timestamp);
  if (us === null) return null;
  const match =
    /^(\d{4}-\d\d-\d\d)[T ]((?!24)\d\d:\d\d)(:(?!60)\d\d(?:\.\d{1,9})?)?(z|[+-]\d\d:?\d\d)?$/i.exec(
      timestamp,
    );
  if (match === null) return utcMicroseconds(us);
  const [, date, minute, seconds = ":00", zone = "Z"] = match;
  return `${date}T${minute}${seconds}${zone.toUpperCase().replace(/^([+-]\d\d)(\d\d)$/, "$1:$2")}`;
}

/** @returns `2022-06-02T16:12:25.242592Z`; null for years before 0 and after 9999. */
function utcMicroseconds(us: number): string | null {
  const ms = Math.floor(us / 1000);
  const iso = isoTime(ms);
  return /^\d{4}-/.test(iso) ? iso.replace("Z", `${String(us - ms * 1000).padStart(3, "0")}Z`) : null;
}
