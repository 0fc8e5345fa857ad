/** `GET /subscribers/{uuid}/stats`: the state, counts and latencies of a webhook. */
import { createRoute, z } from "@hono/zod-openapi";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { existingWebhook, unknownSubscriber } from "../../webhooks/existing-webhook";
import { uuidParamSchema, webhookSchema } from "../../webhooks/schemas";
import { isoTimeOrNull, timeSchema } from "../../platform/time";
import { laneOf } from "../../lane/lane-of";

const windowSchema = z
  .object({
    attempts: z.int(),
    success_rate: z
      .number()
      .nullable()
      .openapi({ description: "From 0 to 1; null when there were no attempts." }),
    p50_ms: z.number().nullable(),
    p95_ms: z.number().nullable(),
    p99_ms: z.number().nullable(),
  })
  .openapi("StatsWindow");

const statsSchema = z
  .object({
    state: webhookSchema.shape.state,
    disabled_reason: webhookSchema.shape.disabled_reason,
    counts: z.object({ pending: z.int(), delivered: z.int(), failed: z.int(), dead: z.int() }).openapi({
      description:
        "delivered: since the webhook was created. The others: now. failed is counted up to 10,000; further ones count as pending.",
    }),
    backlog: z.int().openapi({ description: "The number of pending and failed deliveries." }),
    oldest_pending_at: timeSchema.nullable(),
    next_attempt_at: timeSchema.nullable().openapi({
      description:
        "Null when no attempt is due: the backlog is empty, its attempts are under way, or the webhook is paused or disabled.",
    }),
    last_hour: windowSchema,
    last_day: windowSchema,
  })
  .openapi("Stats");

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/{uuid}/stats",
  operationId: "getWebhookStats",
  security: requiresScope("webhooks:read"),
  tags: ["Deliveries"],
  summary: "Get a webhook's statistics",
  description: "Counts of deliveries, the backlog, and success rate and latencies of the last hour and day.",
  request: { params: uuidParamSchema },
  responses: {
    200: {
      description: "The state, counts and latencies.",
      content: { "application/json": { schema: statsSchema } },
    },
    404: messageResponse("There is no such webhook."),
  },
});

/** Adds the endpoint to `router`. */
export function getStats(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid } = await existingWebhook(c.env, c.req.valid("param").uuid);
    const stats = await laneOf(c.env, uuid).stats();
    if (stats === null) throw unknownSubscriber(uuid);
    const { state, disabledReason, counts, backlog, lastHour, lastDay } = stats;
    return c.json(
      {
        state,
        disabled_reason: disabledReason,
        counts,
        backlog,
        oldest_pending_at: isoTimeOrNull(stats.oldestPendingAt),
        next_attempt_at: isoTimeOrNull(stats.nextAttemptAt),
        last_hour: lastHour,
        last_day: lastDay,
      },
      200,
    );
  });
}
