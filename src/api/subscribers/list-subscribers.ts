/** `GET /subscribers`: every webhook. */
import { createRoute } from "@hono/zod-openapi";
import { listWebhooks } from "../../webhooks/webhooks";
import { needs } from "../needs";
import type { Router } from "../../http/router";
import { subscribersSchema } from "../../webhooks/schemas";
import { webhookAnswer } from "./webhook-answer";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers",
  security: needs("webhooks:read"),
  tags: ["Subscribers"],
  summary: "Every webhook",
  description: "In order of creation, without their subscriptions.",
  responses: {
    200: { description: "The webhooks.", content: { "application/json": { schema: subscribersSchema } } },
  },
});

/** Adds the endpoint to `router`. */
export function listSubscribers(router: Router): void {
  router.openapi(route, async (c) => {
    const webhooks = await listWebhooks(c.env);
    return c.json({ subscribers: webhooks.map((webhook) => webhookAnswer(webhook, [])) }, 200);
  });
}
