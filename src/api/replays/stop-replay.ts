/** `DELETE /subscribers/{uuid}/replays/{replay}`: stops a replay. */
import { createRoute } from "@hono/zod-openapi";
import { RequestError } from "../../platform/errors";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { existingWebhook } from "../../webhooks/existing-webhook";
import { operationOf } from "../../auth/operation";
import { stopReplay as stop } from "../../webhooks/stop-replay";
import { progressResponse, replayParamsSchema, replayProgressSchema } from "./schemas";

const route = createRoute({
  method: "delete",
  path: "/api/notifications/subscribers/{uuid}/replays/{replay}",
  operationId: "stopReplay",
  security: requiresScope("webhooks:write"),
  tags: ["Deliveries"],
  summary: "Stop a replay",
  description:
    "Its deliveries that have not been sent are not sent. An attempt that is under way continues. A finished replay does not change.",
  request: { params: replayParamsSchema },
  responses: {
    200: {
      description: "The progress: done, and stopped if the replay had not finished before.",
      content: { "application/json": { schema: replayProgressSchema } },
    },
    404: messageResponse("There is no such webhook or replay."),
  },
});

/** Adds the endpoint to `router`. */
export function stopReplay(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid, replay } = c.req.valid("param");
    const webhook = await existingWebhook(c.env, uuid);
    const progress = await stop(operationOf(c), webhook, replay);
    if (progress === null) throw new RequestError(404, `Replay ${replay} does not exist, or is long done.`);
    return c.json(progressResponse(progress), 200);
  });
}
