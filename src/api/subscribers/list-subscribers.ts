/** `GET /subscribers`: all webhooks. */
import { createRoute } from "@hono/zod-openapi";
import { listWebhooks } from "../../webhooks/webhooks";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { subscribersSchema } from "../../webhooks/schemas";
import { webhookResponse } from "./webhook-response";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers",
  operationId: "listSubscribers",
  security: requiresScope("webhooks:read"),
  tags: ["Subscribers"],
  summary: "List webhooks",
  description: "In order of creation, without their subscriptions.",
  responses: {
    200: { description: "The webhooks.", content: { "application/json": { schema: subscribersSchema } } },
  },
});

/** Adds the endpoint to `router`. */
export function listSubscribers(router: Router): void {
  router.openapi(route, async (c) => {
    const webhooks = await listWebhooks(c.env);
    return c.json({ subscribers: webhooks.map((webhook) => webhookResponse(webhook, [])) }, 200);
  });
}
