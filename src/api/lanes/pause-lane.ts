/** `POST /subscribers/{uuid}/pause`: stops sending until the webhook is resumed. */
import { createRoute } from "@hono/zod-openapi";
import { operationOf } from "../../auth/operation";
import { listSubscriptions } from "../../webhooks/subscriptions";
import { webhookResponse } from "../subscribers/webhook-response";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { uuidParamSchema, webhookSchema } from "../../webhooks/schemas";
import { changeState } from "../../webhooks/change-state";

const route = createRoute({
  method: "post",
  path: "/api/notifications/subscribers/{uuid}/pause",
  operationId: "pauseWebhook",
  security: requiresScope("webhooks:write"),
  tags: ["Deliveries"],
  summary: "Pause a webhook",
  description:
    "The webhook still accepts events, and sends them once it is resumed. Attempts under way are finished. A disabled webhook stays disabled.",
  request: { params: uuidParamSchema },
  responses: {
    200: { description: "The webhook.", content: { "application/json": { schema: webhookSchema } } },
    404: messageResponse("There is no such webhook."),
  },
});

/** Adds the endpoint to `router`. */
export function pauseLane(router: Router): void {
  router.openapi(route, async (c) => {
    const webhook = await changeState(operationOf(c), c.req.valid("param").uuid, "pause");
    return c.json(webhookResponse(webhook, await listSubscriptions(c.env, webhook.uuid)), 200);
  });
}
