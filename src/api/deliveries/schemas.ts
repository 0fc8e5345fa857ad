/** Schemas of deliveries in the API. */
import { z } from "@hono/zod-openapi";
import { shownStatuses } from "../../lane/delivery-log";
import { nextCursorSchema } from "../../http/list-params";
import { timeSchema } from "../../platform/time";

/** The status of a delivery. */
export const deliveryStatusSchema = z.enum(shownStatuses).openapi({
  description:
    "pending: not attempted yet. failed: waits for a retry. dead: given up; it can be resent with redeliver.",
});

/** A delivery in a list. */
export const deliverySchema = z
  .object({
    uuid: z.string().openapi({ format: "uuid" }),
    sequence: z.int().openapi({ description: "Its number among the webhook's deliveries, from 1." }),
    event_uuid: z.string(),
    event_type: z.string(),
    status: deliveryStatusSchema,
    accepted_at: timeSchema,
    next_attempt_at: timeSchema.nullable(),
    delivered_at: timeSchema.nullable(),
    attempts_made: z.int(),
    last_status: z
      .int()
      .nullable()
      .openapi({ description: "The HTTP status of the latest attempt; null when there was no response." }),
    last_error: z.string().nullable().openapi({
      description:
        "The error class of the latest failed attempt: timeout, dns, tls, connection, http_4xx, http_5xx, service_error (a 2xx whose body says that it failed), redirect, blocked or format_error (no message of the webhook's format can be built of the event).",
    }),
    carried_by: z.string().nullable().openapi({
      format: "uuid",
      description:
        "The delivery whose message carries this one, or carried it (digest_s); its attempts are not counted here. Null: it has its own message.",
    }),
  })
  .openapi("Delivery");

/** A page of deliveries. */
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
    egress: z
      .string()
      .nullable()
      .openapi({ description: "The egress that it went through; null when it went out directly." }),
    response_headers: z
      .record(z.string(), z.string())
      .nullable()
      .openapi({ description: "Null without the scope deliveries:read." }),
    response_body: z.string().nullable().openapi({
      description: "The first 2 KiB. Null without the scope deliveries:read.",
    }),
  })
  .openapi("Attempt");

/** A delivery with its attempts and the latest request. */
export const fullDeliverySchema = z
  .object({
    ...deliverySchema.shape,
    carries: z.array(z.string().openapi({ format: "uuid" })).openapi({
      description: "The deliveries that its latest request carried as well, in order (digest_s).",
    }),
    request: z
      .object({
        headers: z.record(z.string(), z.string()),
        body: z.string().nullable().openapi({
          description: "Null when it is no longer known, and without the scope deliveries:read.",
        }),
      })
      .nullable()
      .openapi({ description: "The request of the latest attempt; null before the first one." }),
    attempts: z.array(attemptSchema),
  })
  .openapi("FullDelivery");

/** The path parameters of a delivery: the webhook's uuid and the delivery's. */
export const deliveryParamsSchema = z.object({
  uuid: z.string().toLowerCase().openapi({ description: "The webhook's uuid." }),
  delivery: z.string().toLowerCase().openapi({ description: "The delivery's uuid." }),
});
