/** Deliveries as the API shows them. */
import { z } from "@hono/zod-openapi";
import { shownStatuses } from "../../lane/delivery-log";
import { nextCursorSchema } from "../../http/list-params";
import { timeSchema } from "../../platform/time";

/** `failed` is one that waits for a retry. */
export const deliveryStatusSchema = z.enum(shownStatuses).openapi({
  description:
    "pending: not tried yet. failed: waits for a retry. dead: given up; it can be sent again with redeliver.",
});

/** A delivery in a list. */
export const deliverySchema = z
  .object({
    uuid: z.string().openapi({ format: "uuid" }),
    sequence: z.int().openapi({ description: "Its place in the webhook's line, from 1." }),
    event_uuid: z.string(),
    event_type: z.string(),
    status: deliveryStatusSchema,
    accepted_at: timeSchema,
    next_attempt_at: timeSchema.nullable(),
    delivered_at: timeSchema.nullable(),
    attempts_made: z.int(),
    last_status: z.int().nullable().openapi({ description: "The latest answer's status; null without one." }),
    last_error: z.string().nullable().openapi({
      description:
        "The class of the latest failure: timeout, dns, tls, connection, http_4xx, http_5xx, redirect or blocked.",
    }),
  })
  .openapi("Delivery");

/** A page of the log. */
export const deliveriesSchema = z
  .object({ deliveries: z.array(deliverySchema), next_cursor: nextCursorSchema })
  .openapi("Deliveries");

const attemptSchema = z
  .object({
    number: z.int(),
    started_at: timeSchema,
    duration_ms: z.int(),
    status: z.int().nullable(),
    error: z.string().nullable(),
    response_headers: z
      .record(z.string(), z.string())
      .nullable()
      .openapi({ description: "Null without the scope deliveries:read." }),
    response_body: z.string().nullable().openapi({
      description: "Its first 2 KiB. Null without the scope deliveries:read.",
    }),
  })
  .openapi("Attempt");

/** A delivery in full. */
export const fullDeliverySchema = z
  .object({
    ...deliverySchema.shape,
    request: z
      .object({
        headers: z.record(z.string(), z.string()),
        body: z.string().nullable().openapi({
          description: "Null where it cannot be told any more, and without the scope deliveries:read.",
        }),
      })
      .nullable()
      .openapi({ description: "What the latest attempt sent; null before the first." }),
    attempts: z.array(attemptSchema),
  })
  .openapi("FullDelivery");

/** A delivery in a path. */
export const deliveryParamsSchema = z.object({
  uuid: z.string().toLowerCase(),
  delivery: z.string().toLowerCase(),
});
