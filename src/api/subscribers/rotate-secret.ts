/** `POST /subscribers/{uuid}/rotate-secret`: replaces the secret. The previous one also signs for a grace period. */
import { createRoute, z } from "@hono/zod-openapi";
import { operationOf } from "../../auth/operation";
import { jsonBody } from "../json-body";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { rotateSecret as rotate } from "../../webhooks/change-webhook";
import { shownOnce } from "./webhook-response";
import { generatedSecretSchema, rotationSchema, uuidParamSchema } from "../../webhooks/schemas";

const route = createRoute({
  method: "post",
  path: "/api/notifications/subscribers/{uuid}/rotate-secret",
  operationId: "rotateWebhookSecret",
  security: requiresScope("webhooks:write"),
  tags: ["Subscribers"],
  summary: "Rotate a webhook's secret",
  description:
    "During the grace period, webhook-signature has a signature with each secret, and X-Hub-Signature one with the previous secret, or with the new one if hub is new.",
  middleware: jsonBody,
  request: {
    params: uuidParamSchema,
    body: { required: true, content: { "application/json": { schema: rotationSchema } } },
  },
  responses: {
    200: {
      description: "The secret has been changed.",
      content: {
        "application/json": {
          schema: z.object({
            message: z.string(),
            secret: generatedSecretSchema,
            previous_secret_until: z.string().nullable().openapi({
              description: "When the previous secret stops signing; null when it has stopped already.",
            }),
          }),
        },
      },
    },
    400: messageResponse("A field is not valid."),
    404: messageResponse("There is no such webhook."),
    409: messageResponse("Too many other requests changed the webhook at the same time."),
  },
});

/** Adds the endpoint to `router`. */
export function rotateSecret(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid } = c.req.valid("param");
    const { until, generatedSecret } = await rotate(operationOf(c), uuid, c.req.valid("json"));
    const answer = {
      message: `Webhook ${uuid} has a new secret.`,
      previous_secret_until: until === null ? null : new Date(until).toISOString(),
      ...shownOnce(generatedSecret),
    };
    return c.json(answer, 200);
  });
}
