/** `POST /subscribers/webhooks`: creates a webhook. */
import { createRoute } from "@hono/zod-openapi";
import { jsonBody } from "../json-body";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { operationOf } from "../../auth/operation";
import { createWebhook as create } from "../../webhooks/create-webhook";
import { createdWebhookSchema, webhookSpecSchema } from "../../webhooks/schemas";
import { shownOnce, fullWebhookResponse } from "./webhook-response";

const route = createRoute({
  method: "post",
  path: "/api/notifications/subscribers/webhooks",
  operationId: "createWebhook",
  security: requiresScope("webhooks:write"),
  tags: ["Subscribers"],
  summary: "Create a webhook",
  description:
    "The webhook gets the events that are accepted afterwards. Without a secret, the gateway generates one, and shows it in this response only.",
  middleware: jsonBody,
  request: { body: { required: true, content: { "application/json": { schema: webhookSpecSchema } } } },
  responses: {
    201: { description: "The webhook.", content: { "application/json": { schema: createdWebhookSchema } } },
    400: messageResponse("A field is not valid."),
  },
});

/** Adds the endpoint to `router`. */
export function createWebhook(router: Router): void {
  router.openapi(route, async (c) => {
    const operation = operationOf(c);
    const { stored, subscriptions, generatedSecret } = await create(operation, c.req.valid("json"));
    const webhook = await fullWebhookResponse(operation.config, stored, subscriptions);
    return c.json({ ...webhook, ...shownOnce(generatedSecret) }, 201);
  });
}
