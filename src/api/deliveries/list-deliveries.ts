/** `GET /subscribers/{uuid}/deliveries`: the deliveries of a webhook. */
import { createRoute, z } from "@hono/zod-openapi";
import {
  cursorParamSchema,
  limitParamSchema,
  nextCursor,
  queryParam,
  textParamSchema,
  timeParamSchema,
} from "../../http/list-params";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { existingWebhook } from "../../webhooks/existing-webhook";
import { uuidParamSchema } from "../../webhooks/schemas";
import { deliveryResponse } from "./delivery-response";
import { deliveriesSchema, deliveryStatusSchema } from "./schemas";
import { laneOf } from "../../lane/lane-of";

const statusParamSchema = queryParam(
  (text) => deliveryStatusSchema.safeParse(text).data ?? null,
  "must be pending, delivered, failed or dead",
).openapi({
  type: "string",
  enum: deliveryStatusSchema.options,
  description: "Only deliveries with this status.",
});

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/{uuid}/deliveries",
  operationId: "listDeliveries",
  security: requiresScope("webhooks:read"),
  tags: ["Deliveries"],
  summary: "List the deliveries of a webhook",
  description:
    "Newest first. A page may have fewer entries than limit, or none, and still have a next_cursor: follow it until it is null.",
  request: {
    params: uuidParamSchema,
    query: z.object({
      status: statusParamSchema,
      event_type: textParamSchema,
      since: timeParamSchema,
      until: timeParamSchema,
      limit: limitParamSchema,
      cursor: cursorParamSchema,
    }),
  },
  responses: {
    200: {
      description: "A page of deliveries. since (inclusive) and until (exclusive) filter by accepted_at.",
      content: { "application/json": { schema: deliveriesSchema } },
    },
    400: messageResponse("A query parameter is not valid."),
    404: messageResponse("There is no such webhook."),
  },
});

/** Adds the endpoint to `router`. */
export function listDeliveries(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid } = await existingWebhook(c.env, c.req.valid("param").uuid);
    const { status, event_type: eventType, since, until, limit, cursor: before } = c.req.valid("query");
    const query = { status, eventType, since, until, limit, before };
    const page = await laneOf(c.env, uuid).deliveries(query);
    const deliveries = page.deliveries.map((delivery) => deliveryResponse(uuid, delivery));
    return c.json({ deliveries, next_cursor: nextCursor(page.next) }, 200);
  });
}
