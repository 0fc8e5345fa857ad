/** `DELETE /subscribers/{uuid}`: deletes a webhook and its deliveries. */
import { createRoute } from "@hono/zod-openapi";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { operationOf } from "../../auth/operation";
import { deleteWebhook } from "../../webhooks/delete-webhook";
import { uuidParamSchema } from "../../webhooks/schemas";

const route = createRoute({
  method: "delete",
  path: "/api/notifications/subscribers/{uuid}",
  operationId: "deleteSubscriber",
  security: requiresScope("webhooks:write"),
  tags: ["Subscribers"],
  summary: "Delete a webhook",
  description: "Deletes its deliveries as well. The response is the same for a webhook that does not exist.",
  request: { params: uuidParamSchema },
  responses: { 201: messageResponse("The webhook is deleted, or did not exist. The message is empty.") },
});

/** Adds the endpoint to `router`. */
export function deleteSubscriber(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid } = c.req.valid("param");
    await deleteWebhook(operationOf(c), uuid);
    return c.json({ message: "" }, 201);
  });
}
