/** Events of the archive in API responses. */
import { z } from "@hono/zod-openapi";
import type { ArchivedEvent } from "../../events/archived-event";
import { isoTime, timeSchema } from "../../platform/time";

/** An archived event without its body. */
export const archivedEventSchema = z
  .object({
    uuid: z.string().openapi({ format: "uuid" }),
    type: z.string(),
    timestamp: z.string().openapi({ description: "As the publisher wrote it." }),
    project_uuid: z.string().nullable(),
    job_uuid: z.string().nullable(),
    accepted_at: timeSchema,
  })
  .openapi("ArchivedEvent");

/** @returns the event without internal fields. */
export function archivedEventResponse(event: ArchivedEvent): z.output<typeof archivedEventSchema> {
  return {
    uuid: event.uuid,
    type: event.type,
    timestamp: event.timestamp,
    project_uuid: event.project_uuid,
    job_uuid: event.job_uuid,
    accepted_at: isoTime(event.accepted_at),
  };
}
