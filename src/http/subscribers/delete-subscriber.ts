/** `DELETE /subscribers/{uuid}`: ends a webhook and its deliveries. */
import { createRoute } from "@hono/zod-openapi";
import { messageAnswer } from "../message";
import type { Router } from "../router";
import { deleteWebhook } from "./deletion";
import { uuidParamSchema } from "./schemas";

const route = createRoute({
  method: "delete",
  path: "/api/notifications/subscribers/{uuid}",
  tags: ["Subscribers"],
  summary: "Delete a webhook",
  request: { params: uuidParamSchema },
  responses: { 201: messageAnswer("It does not exist (any more). The message is empty.") },
});

/** Adds the endpoint to `router`. */
export function deleteSubscriber(router: Router): void {
  router.openapi(route, async (c) => {
    await deleteWebhook(c.env, c.req.valid("param").uuid);
    return c.json({ message: "" }, 201);
  });
}
