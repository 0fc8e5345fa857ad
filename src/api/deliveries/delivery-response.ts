/** Deliveries in API responses. */
import type { z } from "@hono/zod-openapi";
import type { LoggedDelivery } from "../../lane/delivery-log";
import { deliveryUuid } from "../../send/delivery-uuid";
import { isoTime, isoTimeOrNull } from "../../platform/time";
import type { deliverySchema, fullDeliverySchema } from "./schemas";
import type { ShownDelivery } from "../../lane/shown-delivery";

/** @returns a delivery as it appears in lists. */
export function deliveryResponse(
  webhookUuid: string,
  delivery: LoggedDelivery,
): z.output<typeof deliverySchema> {
  return {
    uuid: deliveryUuid(webhookUuid, delivery.sequence),
    sequence: delivery.sequence,
    event_uuid: delivery.eventUuid,
    event_type: delivery.eventType,
    status: delivery.status,
    accepted_at: isoTime(delivery.acceptedAt),
    next_attempt_at: isoTimeOrNull(delivery.nextAttemptAt),
    delivered_at: isoTimeOrNull(delivery.deliveredAt),
    attempts_made: delivery.attempts,
    last_status: delivery.lastStatus,
    last_error: delivery.lastError,
    carried_by: delivery.carriedBy === null ? null : deliveryUuid(webhookUuid, delivery.carriedBy),
  };
}

/** @returns a delivery with the latest request and its attempts, oldest first. */
export function fullDeliveryResponse(
  webhookUuid: string,
  delivery: ShownDelivery,
): z.output<typeof fullDeliverySchema> {
  const { sent, body, history } = delivery;
  return {
    ...deliveryResponse(webhookUuid, delivery),
    carries: delivery.carries.map((sequence) => deliveryUuid(webhookUuid, sequence)),
    request: sent === null ? null : { headers: sent.headers, body },
    attempts: history.map((attempt) => ({
      number: attempt.number,
      started_at: isoTime(attempt.startedAt),
      duration_ms: attempt.durationMs,
      status: attempt.status,
      error: attempt.error,
      egress: attempt.egress,
      response_headers: attempt.responseHeaders,
      response_body: attempt.responseBody,
    })),
  };
}
