/** CloudEvents in structured mode (CloudEvents 1.0.2, "JSON Event Format"). */
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

/** @returns the time in RFC 3339, with the microseconds of Orchest's times; null when the text is not a time. */
function rfc3339(timestamp: string): string | null {
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?(z|[+-]\d\d:?\d\d)?$/i.exec(
    timestamp.trim(),
  );
  if (match === null) return null;
  const [, date, minute, seconds = ":00", zone = "Z"] = match;
  return `${date}T${minute}${seconds}${zone.toUpperCase().replace(/^([+-]\d\d)(\d\d)$/, "$1:$2")}`;
}
