/** Events of the archive as the API shows them. */
import { z } from "@hono/zod-openapi";
import type { ArchivedEvent } from "../../events/archive-list";
import { isoTime, timeSchema } from "../../platform/time";

/** An event without its text. */
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

/** @returns it without what is only ours. */
export function archivedEventAnswer(event: ArchivedEvent): z.output<typeof archivedEventSchema> {
  return {
    uuid: event.uuid,
    type: event.type,
    timestamp: event.timestamp,
    project_uuid: event.project_uuid,
    job_uuid: event.job_uuid,
    accepted_at: isoTime(event.accepted_at),
  };
}
