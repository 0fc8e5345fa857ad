/** Times in API responses and events. */
import { z } from "@hono/zod-openapi";

/** A time in a response: ISO 8601 in UTC, with milliseconds. */
export const timeSchema = z.string().openapi({ format: "date-time", example: "2026-11-05T12:00:00.000Z" });

/** @param ms since 1970. @returns ISO 8601 in UTC, with milliseconds. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** `isoTime` for a time that may be null. */
export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}

/** @param ms since 1970. @returns the time in Orchest's format: `2022-06-02 16:12:25.242592+00:00`. */
export function orchestTime(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", "000+00:00");
}
