/** `GET /subscribers/{uuid}/replays`: what is being sent again, and what was. */
import { laneOf } from "../../lane/lane-of";
import { createRoute, z } from "@hono/zod-openapi";
import { cursorParamSchema, limitParamSchema, nextCursor } from "../../http/list-params";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../../http/router";
import { existingWebhook } from "../../webhooks/existing-webhook";
import { uuidParamSchema } from "../../webhooks/schemas";
import { listedReplayAnswer, replaysSchema } from "./schemas";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/{uuid}/replays",
  operationId: "listReplays",
  security: needs("webhooks:read"),
  tags: ["Deliveries"],
  summary: "List the replays of a webhook",
  description:
    "Running and past ones, newest first. Past ones are kept for 30 days, at most 1,000 of them. Deliveries that were redelivered one by one are not in it.",
  request: {
    params: uuidParamSchema,
    query: z.object({ limit: limitParamSchema, cursor: cursorParamSchema }),
  },
  responses: {
    200: { description: "A page.", content: { "application/json": { schema: replaysSchema } } },
    400: messageAnswer("What is wrong with the query."),
    404: messageAnswer("There is no such webhook."),
  },
});

/** Adds the endpoint to `router`. */
export function listReplays(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid } = await existingWebhook(c.env, c.req.valid("param").uuid);
    const { limit, cursor: before } = c.req.valid("query");
    const { replays, next } = await laneOf(c.env, uuid).replays({ limit, before });
    return c.json({ replays: replays.map(listedReplayAnswer), next_cursor: nextCursor(next) }, 200);
  });
}
