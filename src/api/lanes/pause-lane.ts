/** `POST /subscribers/{uuid}/pause`: keeps deliveries and sends nothing, until it is resumed. */
import { createRoute } from "@hono/zod-openapi";
import { operationOf } from "../../auth/operation";
import { listSubscriptions } from "../../webhooks/subscriptions";
import { webhookAnswer } from "../subscribers/webhook-answer";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../../http/router";
import { uuidParamSchema, webhookSchema } from "../../webhooks/schemas";
import { changeState } from "../../webhooks/change-state";

const route = createRoute({
  method: "post",
  path: "/api/notifications/subscribers/{uuid}/pause",
  security: needs("webhooks:write"),
  tags: ["Deliveries"],
  summary: "Keep what comes, and send nothing",
  description: "What is under way lands. A disabled webhook stays disabled.",
  request: { params: uuidParamSchema },
  responses: {
    200: { description: "The webhook.", content: { "application/json": { schema: webhookSchema } } },
    404: messageAnswer("There is no such webhook."),
  },
});

/** Adds the endpoint to `router`. */
export function pauseLane(router: Router): void {
  router.openapi(route, async (c) => {
    const webhook = await changeState(operationOf(c), c.req.valid("param").uuid, "pause");
    return c.json(webhookAnswer(webhook, await listSubscriptions(c.env, webhook.uuid)), 200);
  });
}
