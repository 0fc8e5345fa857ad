/** `POST /subscribers/webhooks`: makes a webhook. */
import { createRoute } from "@hono/zod-openapi";
import { insertWebhook } from "../../db/webhooks";
import { seal } from "../../sealing";
import { audit } from "../audit/audit";
import { jsonBody } from "../json-body";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../router";
import { parseNewWebhook } from "./new-webhook";
import { webhookSchema, webhookSpecSchema } from "./schemas";
import { parseSubscriptions } from "./subscription-rules";
import { webhookAnswer } from "./webhook-answer";
import { configOf } from "./webhook-target";

const route = createRoute({
  method: "post",
  path: "/api/notifications/subscribers/webhooks",
  security: needs("webhooks:write"),
  tags: ["Subscribers"],
  summary: "Make a webhook",
  middleware: jsonBody,
  request: { body: { required: true, content: { "application/json": { schema: webhookSpecSchema } } } },
  responses: {
    201: { description: "The webhook.", content: { "application/json": { schema: webhookSchema } } },
    400: messageAnswer("What is wrong with the spec."),
  },
});

/** Adds the endpoint to `router`. */
export function createWebhook(router: Router): void {
  router.openapi(route, async (c) => {
    const config = configOf(c);
    const spec = c.req.valid("json");
    const { shown, settings } = await parseNewWebhook(spec, config);
    const specs = parseSubscriptions(spec.subscriptions ?? []);

    const sealed = await seal(config.encryptionKeys, shown.uuid, settings);
    const { stored, subscriptions } = await insertWebhook(c.env, { ...shown, sealed }, specs);
    await audit(c, { action: "webhook.created", target: stored.uuid });
    return c.json(webhookAnswer(stored, subscriptions), 201);
  });
}
