/** `GET /subscribers/test-ping-delivery/{uuid}`: sends a test ping to a webhook. */
import { createRoute } from "@hono/zod-openapi";
import { findWebhook } from "../../webhooks/webhooks";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { operationOf } from "../../auth/operation";
import { pingWebhook } from "../../webhooks/ping-webhook";
import { uuidParamSchema } from "../../webhooks/schemas";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/test-ping-delivery/{uuid}",
  operationId: "testWebhook",
  security: requiresScope("webhooks:write"),
  tags: ["Subscribers"],
  summary: "Test a webhook",
  description: "Sends a test ping.",
  request: { params: uuidParamSchema },
  responses: {
    200: messageResponse("The receiver answered 2xx."),
    429: messageResponse("Too many test pings within a minute."),
    500: messageResponse("The receiver did not answer 2xx, or there is no such webhook."),
  },
});

/** Adds the endpoint to `router`. */
export function testPing(router: Router): void {
  router.openapi(route, async (c) => {
    const row = await findWebhook(c.env, c.req.valid("param").uuid);
    if (row === null) return c.json({ message: "failure" }, 500);
    const { delivered } = await pingWebhook(operationOf(c), row);
    return delivered ? c.json({ message: "success" }, 200) : c.json({ message: "failure" }, 500);
  });
}
