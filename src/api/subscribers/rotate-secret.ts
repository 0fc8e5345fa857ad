/** `POST /subscribers/{uuid}/rotate-secret`: a new secret, while the old one still signs for a while. */
import { createRoute, z } from "@hono/zod-openapi";
import { operationOf } from "../../auth/operation";
import { jsonBody } from "../json-body";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../../http/router";
import { rotateSecret as rotate } from "../../webhooks/change-webhook";
import { rotationSchema, uuidParamSchema } from "../../webhooks/schemas";

const route = createRoute({
  method: "post",
  path: "/api/notifications/subscribers/{uuid}/rotate-secret",
  security: needs("webhooks:write"),
  tags: ["Subscribers"],
  summary: "Change the secret, with an overlap",
  description:
    "During the grace period webhook-signature carries a signature of each secret; X-Hub-Signature is made with the new one at once. A secret that the server makes is never shown.",
  middleware: jsonBody,
  request: {
    params: uuidParamSchema,
    body: { required: true, content: { "application/json": { schema: rotationSchema } } },
  },
  responses: {
    200: {
      description: "It has been changed.",
      content: {
        "application/json": {
          schema: z.object({
            message: z.string(),
            previous_secret_until: z.string().nullable().openapi({
              description: "When the secret before it stops signing; null: it has.",
            }),
          }),
        },
      },
    },
    400: messageAnswer("What is wrong with the request."),
    404: messageAnswer("There is no such webhook."),
    409: messageAnswer("Too many others changed it at the same time."),
  },
});

/** Adds the endpoint to `router`. */
export function rotateSecret(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid } = c.req.valid("param");
    const until = await rotate(operationOf(c), uuid, c.req.valid("json"));
    const answer = {
      message: `Webhook ${uuid} has a new secret.`,
      previous_secret_until: until === null ? null : new Date(until).toISOString(),
    };
    return c.json(answer, 200);
  });
}
