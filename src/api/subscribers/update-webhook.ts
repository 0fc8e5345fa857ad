/** `PUT /subscribers/webhooks/{uuid}`: changes a webhook, from its next attempt on. */
import { createRoute } from "@hono/zod-openapi";
import { jsonBody } from "../json-body";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../../http/router";
import { operationOf } from "../../auth/operation";
import { changeWebhook } from "../../webhooks/change-webhook";
import { uuidParamSchema, webhookChangesSchema } from "../../webhooks/schemas";

const route = createRoute({
  method: "put",
  path: "/api/notifications/subscribers/webhooks/{uuid}",
  security: needs("webhooks:write"),
  tags: ["Subscribers"],
  summary: "Change a webhook",
  description:
    "What is absent or null stays. An empty secret makes a new one. Subscriptions are replaced as a set.",
  middleware: jsonBody,
  request: {
    params: uuidParamSchema,
    body: { required: true, content: { "application/json": { schema: webhookChangesSchema } } },
  },
  responses: {
    200: messageAnswer("It has been changed."),
    400: messageAnswer("What is wrong with the change, or that there is no such webhook."),
    409: messageAnswer("Too many others changed it at the same time."),
  },
});

/** Adds the endpoint to `router`. */
export function updateWebhook(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid } = c.req.valid("param");
    await changeWebhook(operationOf(c), uuid, { spec: c.req.valid("json") });
    return c.json({ message: `Webhook ${uuid} has been updated.` }, 200);
  });
}
