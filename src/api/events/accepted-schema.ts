/** The answer to publishing. */
import { z } from "@hono/zod-openapi";

/** What became of each event, in the order in which they came. */
export const acceptedSchema = z
  .object({
    accepted: z.array(
      z.object({
        uuid: z.guid(),
        duplicate: z.boolean().openapi({
          description: "The uuid was known and no lane took the event anew.",
        }),
        deliveries: z.int().openapi({ description: "How many webhooks the event is newly delivered to." }),
      }),
    ),
  })
  .openapi("AcceptedEvents");
