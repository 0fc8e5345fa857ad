/** `POST /subscribers/{uuid}/resume`: starts sending again after a pause, and enables a disabled webhook. */
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
  path: "/api/notifications/subscribers/{uuid}/resume",
  operationId: "resumeWebhook",
  security: requiresScope("webhooks:write"),
  tags: ["Deliveries"],
  summary: "Resume a webhook",
  description: "Sends the backlog at once and in order. A disabled webhook is enabled again.",
  request: { params: uuidParamSchema },
  responses: {
    200: { description: "The webhook.", content: { "application/json": { schema: webhookSchema } } },
    404: messageResponse("There is no such webhook."),
  },
});

/** Adds the endpoint to `router`. */
export function resumeLane(router: Router): void {
  router.openapi(route, async (c) => {
    const webhook = await changeState(operationOf(c), c.req.valid("param").uuid, "resume");
    return c.json(webhookResponse(webhook, await listSubscriptions(c.env, webhook.uuid)), 200);
  });
}
