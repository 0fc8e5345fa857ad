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

/** As Orchest writes times: `2022-06-02 16:12:25.242592+00:00`. @param ms since 1970. */
export function orchestTime(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", "000+00:00");
}
