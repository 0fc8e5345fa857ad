/** Schemas of query parameters, mainly of lists. An empty parameter counts as absent. */
import { z } from "@hono/zod-openapi";
import { parseTimestampUs } from "../platform/timestamp";

const limitMax = 100;
const limitDefault = 25;

/** `limit`: the most entries on a page, 1 to 100; 25 by default. */
export const limitParamSchema = queryParam(parseLimit, `must be a whole number from 1 to ${limitMax}`)
  .transform((limit) => limit ?? limitDefault)
  .openapi({
    type: "integer",
    minimum: 1,
    maximum: limitMax,
    default: limitDefault,
    description: "The most entries on a page.",
  });

/** `cursor`: where a page starts. Opaque to clients; internally the id of the last entry on the page before. */
export const cursorParamSchema = queryParam(
  parseCursor,
  "must be the next_cursor of the previous page",
).openapi({
  type: "string",
  pattern: "^([1-9][0-9]{0,14})?$",
  description: "The next_cursor of the previous page.",
});

/** A time, parsed to ms since 1970. */
export const timeParamSchema = queryParam(
  parseTimeMs,
  "must be an ISO 8601 time such as 2026-11-05T12:00:00Z",
).openapi({
  type: "string",
  format: "date-time",
  description: "A time, or a date, which means its start in UTC.",
});

/** A filter by event type. */
export const textParamSchema = queryParam((text) => text, "must be given once").openapi({
  type: "string",
  description: "Only entries with exactly this event type.",
});

/** A filter by uuid, parsed to lower case. */
export const uuidFilterParamSchema = queryParam((text) => text.toLowerCase(), "must be given once").openapi({
  type: "string",
  format: "uuid",
  description: "Only events about the project, job or run with this uuid.",
});

/** `next_cursor`: the `cursor` of the next page; null at the end of the list. */
export const nextCursorSchema = z.string().nullable();

/** @param next the id of the page's last entry, or null at the end. @returns the `next_cursor` of the page. */
export function nextCursor(next: number | null): string | null {
  return next === null ? null : String(next);
}

/**
 * @param parse gives null for an invalid value. @param rule the validation error: says what is allowed.
 * @returns the schema of an optional parameter. It is invalid when it is given more than once.
 */
export function queryParam<Value>(parse: (text: string) => Value | null, rule: string) {
  return z
    .string({ error: rule })
    .optional()
    .transform((text, context) => {
      if (text === undefined || text === "") return undefined;
      const value = parse(text);
      if (value !== null) return value;
      context.addIssue({ code: "custom", message: rule });
      return z.NEVER;
    });
}

function parseLimit(text: string): number | null {
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  return limit >= 1 && limit <= limitMax ? limit : null;
}

function parseCursor(text: string): number | null {
  const id = /^[1-9]\d*$/.test(text) ? Number(text) : 0;
  return id > 0 && Number.isSafeInteger(id) ? id : null;
}

/** A date without a time means its start in UTC. A space in the zone is a `+` that was not percent-encoded. */
function parseTimeMs(text: string): number | null {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const time = text.slice(11).replace(/ (?=\d{2}(?::?\d{2})?$)/, "+");
  const us = parseTimestampUs(isDay ? `${text}T00:00Z` : text.slice(0, 11) + time);
  return us === null ? null : us / 1000;
}
