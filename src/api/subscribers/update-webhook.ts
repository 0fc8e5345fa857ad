/** `PUT /subscribers/webhooks/{uuid}`: updates a webhook. Attempts that start afterwards use the new settings. */
import { createRoute, z } from "@hono/zod-openapi";
import { jsonBody } from "../json-body";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { operationOf } from "../../auth/operation";
import { changeWebhook } from "../../webhooks/change-webhook";
import { shownOnce } from "./webhook-response";
import { generatedSecretSchema, uuidParamSchema, webhookChangesSchema } from "../../webhooks/schemas";

const route = createRoute({
  method: "put",
  path: "/api/notifications/subscribers/webhooks/{uuid}",
  operationId: "updateWebhook",
  security: requiresScope("webhooks:write"),
  tags: ["Subscribers"],
  summary: "Update a webhook",
  description:
    "Fields that are absent or null keep their values; format_options is cleared by null. An empty secret generates a new one. subscriptions replaces all subscriptions.",
  middleware: jsonBody,
  request: {
    params: uuidParamSchema,
    body: { required: true, content: { "application/json": { schema: webhookChangesSchema } } },
  },
  responses: {
    200: {
      description: "The webhook has been updated.",
      content: {
        "application/json": { schema: z.object({ message: z.string(), secret: generatedSecretSchema }) },
      },
    },
    400: messageResponse("A field is not valid, or there is no such webhook."),
    409: messageResponse("Too many other requests changed the webhook at the same time."),
  },
});

/** Adds the endpoint to `router`. */
export function updateWebhook(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid } = c.req.valid("param");
    const { generatedSecret } = await changeWebhook(operationOf(c), uuid, { spec: c.req.valid("json") });
    return c.json({ message: `Webhook ${uuid} has been updated.`, ...shownOnce(generatedSecret) }, 200);
  });
}
