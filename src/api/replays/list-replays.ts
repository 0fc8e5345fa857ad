/** `GET /subscribers/{uuid}/replays`: a page of the replays of a webhook. */
import { laneOf } from "../../lane/lane-of";
import { createRoute, z } from "@hono/zod-openapi";
import { cursorParamSchema, limitParamSchema, nextCursor } from "../../http/list-params";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { existingWebhook } from "../../webhooks/existing-webhook";
import { uuidParamSchema } from "../../webhooks/schemas";
import { listedReplayResponse, replaysSchema } from "./schemas";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/{uuid}/replays",
  operationId: "listReplays",
  security: requiresScope("webhooks:read"),
  tags: ["Deliveries"],
  summary: "List the replays of a webhook",
  description:
    "Running and finished ones, newest first. Finished ones are kept for 30 days, at most 1,000 of them. Single deliveries that were resent are not listed.",
  request: {
    params: uuidParamSchema,
    query: z.object({ limit: limitParamSchema, cursor: cursorParamSchema }),
  },
  responses: {
    200: { description: "A page of replays.", content: { "application/json": { schema: replaysSchema } } },
    400: messageResponse("A query parameter is not valid."),
    404: messageResponse("There is no such webhook."),
  },
});

/** Adds the endpoint to `router`. */
export function listReplays(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid } = await existingWebhook(c.env, c.req.valid("param").uuid);
    const { limit, cursor: before } = c.req.valid("query");
    const { replays, next } = await laneOf(c.env, uuid).replays({ limit, before });
    return c.json({ replays: replays.map(listedReplayResponse), next_cursor: nextCursor(next) }, 200);
  });
}
