/** `GET /subscribers/{uuid}`: a webhook with its subscriptions. */
import { createRoute } from "@hono/zod-openapi";
import { listSubscriptions } from "../../webhooks/subscriptions";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { operationOf } from "../../auth/operation";
import { existingWebhook } from "../../webhooks/existing-webhook";
import { uuidParamSchema, webhookSchema } from "../../webhooks/schemas";
import { fullWebhookResponse } from "./webhook-response";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/{uuid}",
  operationId: "getSubscriber",
  security: requiresScope("webhooks:read"),
  tags: ["Subscribers"],
  summary: "Get a webhook",
  description:
    "With its subscriptions, without its secret, and with only the scheme, host and port of its URL.",
  request: { params: uuidParamSchema },
  responses: {
    200: { description: "The webhook.", content: { "application/json": { schema: webhookSchema } } },
    404: messageResponse("There is no such webhook."),
  },
});

/** Adds the endpoint to `router`. */
export function getSubscriber(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid } = c.req.valid("param");
    const webhook = await existingWebhook(c.env, uuid);
    const subscriptions = await listSubscriptions(c.env, uuid);
    return c.json(await fullWebhookResponse(operationOf(c).config, webhook, subscriptions), 200);
  });
}
