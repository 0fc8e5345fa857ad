/** Times as the API shows them: ISO 8601 in UTC, with milliseconds. */
import { z } from "@hono/zod-openapi";

export const timeSchema = z.string().openapi({ format: "date-time", example: "2026-11-05T12:00:00.000Z" });

/** @param ms since 1970. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
