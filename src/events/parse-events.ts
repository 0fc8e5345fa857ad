/** Parses and validates published events. All other code relies on the type `Event`. */
import { z } from "zod";
import { isFields } from "../send/message/event-fields";
import { formatValidationErrors } from "../platform/validation-errors";
import { similarTypes } from "./similar-types";
import { arrayElements, type Members, repeatedMember, withMembers } from "./json-text";
import { parseTimestampUs } from "../platform/timestamp";
import { isPublishable } from "./types";

/** The most events in one request. */
export const eventsMax = 100;
/** The most bytes of one event, so that it fits in a queue message (128 KB). */
const eventBytesMax = 100 * 1024;
/** In UTF-8, of a UTF-16 code unit: shorter texts are not encoded only to be measured. */
const bytesPerCharacterMax = 3;
const encoder = new TextEncoder();

/** A parsed event. The gateway reads no other fields of it. */
export type Event = {
  /** In lower case. */
  uuid: string;
  type: string;
  /** As the publisher wrote it. */
  timestamp: string;
  /** The timestamp in microseconds since 1970. */
  timestampUs: number;
  projectUuid: string | null;
  /** The name of the project in the event; null when it has none. */
  projectName: string | null;
  jobUuid: string | null;
  /** The name of the job in the event; null when it has none. */
  jobName: string | null;
  /** The source text, which is delivered unchanged. */
  body: string;
};

/** The uuids and timestamps for events without them. */
export type EventDefaults = {
  /** @param place of the event in its request, from 0. @returns a uuid in lower case. */
  uuid: (place: number) => string;
  /** @param uuid of the event. @returns a time that `parseTimestampUs` reads. */
  timestamp: (uuid: string) => string;
};

/** All events of a request, or the reason why the request is rejected. */
export type ParseResult = { events: Event[] } | { reason: string };

const uuidSchema = z.guid("must be a UUID").toLowerCase();
/** A name that is not a string counts as absent, because names are only displayed. */
const nameSchema = z.string().nullish().catch(null);
const eventSchema = z.looseObject({
  uuid: uuidSchema,
  type: z.string("must be an event type").superRefine((type, context) => {
    if (isPublishable(type)) return;
    const close = similarTypes(type);
    const hint = close.length > 0 ? ` Did you mean ${close.join(" or ")}?` : "";
    context.addIssue({
      code: "custom",
      message: `${JSON.stringify(type.slice(0, 100))} is not an event type that can be published.${hint}`,
    });
  }),
  timestamp: z
    .string("must be a time such as 2022-06-02 16:12:25.242592+00:00")
    .refine(
      (text) => parseTimestampUs(text) !== null,
      "must be a time such as 2022-06-02 16:12:25.242592+00:00",
    ),
  project: z
    .looseObject(
      {
        uuid: uuidSchema.nullish(),
        name: nameSchema,
        job: z.looseObject({ uuid: uuidSchema.nullish(), name: nameSchema }, "must be an object").nullish(),
      },
      "must be an object",
    )
    .nullish(),
});

/** The members that the gateway reads. They must not be repeated, so that the gateway and receivers read the same value. */
const readMembers: Members = {
  uuid: {},
  type: {},
  timestamp: {},
  project: { uuid: {}, job: { uuid: {} } },
};

/**
 * Parses one event object, or an array of 1 to 100. A byte order mark is ignored (RFC 8259, 8.1).
 * @param text JSON. The `body` of each event is its part of this text, unchanged except for the members that `defaults`
 *   add at its beginning.
 * @param defaults null: events without a uuid or a timestamp are not valid.
 */
export function parseEvents(text: string, defaults: EventDefaults | null = null): ParseResult {
  const json = text.replace(/^\uFEFF/, "");
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { reason: "The body is not valid JSON." };
  }
  if (!Array.isArray(value)) return parseAll([value], [json.trim()], { defaults, nameOf: () => "" });
  if (value.length === 0 || value.length > eventsMax) {
    return { reason: `An array must have 1 to ${eventsMax} events, not ${value.length}.` };
  }
  return parseAll(value, arrayElements(json), { defaults, nameOf: (place) => `events[${place}]: ` });
}

function parseAll(
  values: unknown[],
  texts: string[],
  { defaults, nameOf }: { defaults: EventDefaults | null; nameOf: (place: number) => string },
): ParseResult {
  const events: Event[] = [];
  for (const [place, value] of values.entries()) {
    const parsed = parseOne(value, texts[place] ?? "", defaults && missingMembers(value, place, defaults));
    if (typeof parsed === "string") return { reason: nameOf(place) + parsed };
    events.push(parsed);
  }
  return { events };
}

/** Members to add to an event. */
type MissingMembers = { [name: string]: string };

/** @returns the uuid and the timestamp that an event lacks; null when it has both. */
function missingMembers(value: unknown, place: number, defaults: EventDefaults): MissingMembers | null {
  if (!isFields(value) || ("uuid" in value && "timestamp" in value)) return null;
  const uuid = "uuid" in value ? String(value.uuid).toLowerCase() : defaults.uuid(place);
  return {
    ...(!("uuid" in value) && { uuid }),
    ...(!("timestamp" in value) && { timestamp: defaults.timestamp(uuid) }),
  };
}

function parseOne(value: unknown, text: string, missing: MissingMembers | null): Event | string {
  if (!isFields(value)) return "An event must be an object with uuid, type and timestamp.";
  const body = missing === null ? text : withMembers(text, missing);
  const parsed = eventSchema.safeParse(missing === null ? value : { ...missing, ...value });
  if (!parsed.success) return formatValidationErrors(parsed.error.issues);
  const bytes = body.length * bytesPerCharacterMax > eventBytesMax ? encoder.encode(body).length : 0;
  if (bytes > eventBytesMax) return `An event must be at most ${eventBytesMax} bytes, not ${bytes}.`;
  const repeated = repeatedMember(body, readMembers);
  if (repeated !== null)
    return `${repeated}: must not be repeated, because JSON parsers disagree on which value counts.`;
  const { uuid, type, timestamp, project } = parsed.data;
  return {
    uuid,
    type,
    timestamp,
    timestampUs: parseTimestampUs(timestamp) ?? 0,
    projectUuid: project?.uuid ?? null,
    projectName: project?.name ?? null,
    jobUuid: project?.job?.uuid ?? null,
    jobName: project?.job?.name ?? null,
    body,
  };
}
