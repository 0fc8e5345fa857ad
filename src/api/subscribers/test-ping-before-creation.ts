/** `POST /subscribers/webhooks/pre-creation-test-ping-delivery`: sends a test ping to a webhook that does not exist yet. */
import { createRoute } from "@hono/zod-openapi";
import { jsonBody } from "../json-body";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { operationOf } from "../../auth/operation";
import { pingNewWebhook } from "../../webhooks/ping-webhook";
import { pingSpecSchema } from "../../webhooks/schemas";

const route = createRoute({
  method: "post",
  path: "/api/notifications/subscribers/webhooks/pre-creation-test-ping-delivery",
  operationId: "testWebhookBeforeCreation",
  security: requiresScope("webhooks:write"),
  tags: ["Subscribers"],
  summary: "Test a webhook before creating it",
  description: "Sends a test ping and stores nothing.",
  middleware: jsonBody,
  request: { body: { required: true, content: { "application/json": { schema: pingSpecSchema } } } },
  responses: {
    200: messageResponse("The receiver answered 2xx."),
    400: messageResponse("A field is not valid."),
    429: messageResponse("Too many test pings within a minute."),
    500: messageResponse("The receiver did not answer 2xx."),
  },
});

/** Adds the endpoint to `router`. */
export function testPingBeforeCreation(router: Router): void {
  router.openapi(route, async (c) => {
    const { delivered } = await pingNewWebhook(operationOf(c), c.req.valid("json"));
    return delivered ? c.json({ message: "success" }, 200) : c.json({ message: "failure" }, 500);
  });
}
