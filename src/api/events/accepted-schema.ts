/** The response to publishing events. */
import { z } from "@hono/zod-openapi";

/** The accepted events, in the order of the request. */
export const acceptedSchema = z
  .object({
    accepted: z.array(
      z.object({
        uuid: z.guid(),
        duplicate: z.boolean().openapi({
          description: "The event was accepted before, and it has no new deliveries.",
        }),
        deliveries: z.int().openapi({ description: "The number of new deliveries of the event." }),
        timestamp: z.string().optional().openapi({
          description: "The timestamp that the gateway added to an event without one.",
        }),
      }),
    ),
  })
  .openapi("AcceptedEvents");
