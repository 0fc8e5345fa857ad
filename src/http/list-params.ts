/** The query of lists: how many, from where on, between which times. What is empty is absent. */
import { z } from "@hono/zod-openapi";
import { parseTimestampUs } from "../events/timestamp";

const limitMax = 100;
const limitDefault = 25;

/** How many entries a page has at most. */
export const limitParamSchema = queryParam(parseLimit, `must be a whole number from 1 to ${limitMax}`)
  .transform((limit) => limit ?? limitDefault)
  .openapi({ type: "integer", minimum: 1, maximum: limitMax, default: limitDefault });

/** Where a page begins: opaque to clients, the id before it to us. */
export const cursorParamSchema = queryParam(
  parseCursor,
  "must be the next_cursor of the page before it",
).openapi({ type: "string", description: "The next_cursor of the page before it." });

/** A time, as ms since 1970. */
export const timeParamSchema = queryParam(
  parseTimeMs,
  "must be an ISO 8601 time such as 2026-11-05T12:00:00Z",
).openapi({ type: "string", format: "date-time" });

/** A filter that is compared as it is. */
export const textParamSchema = queryParam((text) => text, "must be given once").openapi({ type: "string" });

/** A filter by uuid. */
export const uuidFilterParamSchema = queryParam((text) => text.toLowerCase(), "must be given once").openapi({
  type: "string",
  format: "uuid",
});

/** The end of a page: what to pass as `cursor` for the next one, null at the end of the list. */
export const nextCursorSchema = z.string().nullable();

/** @param next the id before the next page. */
export function nextCursor(next: number | null): string | null {
  return next === null ? null : String(next);
}

/** An optional parameter that is given once. @param parse null for what it cannot be. */
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

/** A day is its first moment. A plus that was not percent-encoded has become a blank. */
function parseTimeMs(text: string): number | null {
  const day = text.slice(0, 10);
  const time = text.slice(10).replace(/ (?=\d{2}:\d{2}$)/, "+");
  const us = parseTimestampUs(day + (time || "T00:00:00Z"));
  if (us === null) return null;
  // 30 February would pass for 2 March.
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day) ? us / 1000 : null;
}
