/** Times in the bodies of requests. */
import { z } from "@hono/zod-openapi";
import { parseTimestampUs } from "../platform/timestamp";

const timeRule = "must be an ISO 8601 time such as 2026-11-05T12:00:00Z";

/** A time as text, parsed to ms since 1970. */
export const timeFieldSchema = z
  .string({ error: timeRule })
  .transform((text, context) => {
    const us = parseTimestampUs(text);
    if (us !== null) return us / 1000;
    context.addIssue({ code: "custom", message: timeRule });
    return z.NEVER;
  })
  .openapi({ type: "string", format: "date-time" });

/** An optional time: may be absent or null. */
export const optionalTimeFieldSchema = timeFieldSchema
  .nullish()
  .openapi({ type: ["string", "null"], format: "date-time" });
