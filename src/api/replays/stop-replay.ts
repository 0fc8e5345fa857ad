/** `DELETE /subscribers/{uuid}/replays/{replay}`: ends a replay. */
import { createRoute } from "@hono/zod-openapi";
import { RequestError } from "../../platform/errors";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../../http/router";
import { existingWebhook } from "../../webhooks/existing-webhook";
import { operationOf } from "../../auth/operation";
import { stopReplay as stop } from "../../webhooks/stop-replay";
import { progressAnswer, replayParamsSchema, replayProgressSchema } from "./schemas";

const route = createRoute({
  method: "delete",
  path: "/api/notifications/subscribers/{uuid}/replays/{replay}",
  operationId: "stopReplay",
  security: needs("webhooks:write"),
  tags: ["Deliveries"],
  summary: "Stop a replay",
  description:
    "What it has not sent is not sent; an attempt that is under way is not cut off. A replay that is done stays as it is.",
  request: { params: replayParamsSchema },
  responses: {
    200: {
      description: "Its progress: done, and stopped if it was not done before.",
      content: { "application/json": { schema: replayProgressSchema } },
    },
    404: messageAnswer("There is no such webhook or replay."),
  },
});

/** Adds the endpoint to `router`. */
export function stopReplay(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid, replay } = c.req.valid("param");
    const webhook = await existingWebhook(c.env, uuid);
    const progress = await stop(operationOf(c), webhook, replay);
    if (progress === null) throw new RequestError(404, `Replay ${replay} does not exist, or is long done.`);
    return c.json(progressAnswer(progress), 200);
  });
}
