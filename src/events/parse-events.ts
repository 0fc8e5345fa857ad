/** Parsing and validating published events, at the boundary: after this, code relies on the type `Event`. */
import { z } from "zod";
import { formatValidationErrors } from "../platform/validation-errors";
import { similarTypes } from "./similar-types";
import { arrayElements, type Members, repeatedMember } from "./json-text";
import { parseTimestampUs } from "./timestamp";
import { isPublishable } from "./types";

/** The most events in one request. */
export const eventsMax = 100;
/** The most bytes of one event, so that it fits in a queue message (128 KB). */
const eventBytesMax = 100 * 1024;

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
  jobUuid: string | null;
  /** The source text, which is delivered unchanged. */
  body: string;
};

/** All events of a request, or the reason why the request is rejected. */
export type ParseResult = { events: Event[] } | { reason: string };

const uuidSchema = z.guid("must be a UUID").toLowerCase();
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
        job: z.looseObject({ uuid: uuidSchema.nullish() }, "must be an object").nullish(),
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

/** Parses one event object, or an array of 1 to 100, given as JSON text. `body` of each event is its part of the text. */
export function parseEvents(text: string): ParseResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { reason: "The body is not valid JSON." };
  }
  if (!Array.isArray(value)) return parseAll([value], [text.trim()], () => "");
  if (value.length === 0 || value.length > eventsMax) {
    return { reason: `An array must have 1 to ${eventsMax} events, not ${value.length}.` };
  }
  return parseAll(value, arrayElements(text), (index) => `events[${index}]: `);
}

function parseAll(values: unknown[], texts: string[], place: (index: number) => string): ParseResult {
  const events: Event[] = [];
  for (const [index, value] of values.entries()) {
    const parsed = parseOne(value, texts[index] ?? "");
    if (typeof parsed === "string") return { reason: place(index) + parsed };
    events.push(parsed);
  }
  return { events };
}

function parseOne(value: unknown, body: string): Event | string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return "An event must be an object with uuid, type and timestamp.";
  }
  const parsed = eventSchema.safeParse(value);
  if (!parsed.success) return formatValidationErrors(parsed.error.issues);
  const bytes = new TextEncoder().encode(body).length;
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
    jobUuid: project?.job?.uuid ?? null,
    body,
  };
}
