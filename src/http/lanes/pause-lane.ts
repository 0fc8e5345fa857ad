/** `POST /subscribers/{uuid}/pause`: keeps deliveries and sends nothing, until it is resumed. */
import { createRoute } from "@hono/zod-openapi";
import { messageAnswer } from "../message";
import type { Router } from "../router";
import { uuidParamSchema, webhookSchema } from "../subscribers/schemas";
import { changeState } from "./change-state";

const route = createRoute({
  method: "post",
  path: "/api/notifications/subscribers/{uuid}/pause",
  tags: ["Deliveries"],
  summary: "Keep what comes, and send nothing",
  description: "What is under way lands. A disabled webhook stays disabled.",
  request: { params: uuidParamSchema },
  responses: {
    200: { description: "The webhook.", content: { "application/json": { schema: webhookSchema } } },
    404: messageAnswer("There is no such webhook."),
  },
});

/** Adds the endpoint to `router`. */
export function pauseLane(router: Router): void {
  router.openapi(route, async (c) =>
    c.json(await changeState(c.env, c.req.valid("param").uuid, (lane) => lane.pause()), 200),
  );
}
