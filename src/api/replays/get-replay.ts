/** `GET /subscribers/{uuid}/replays/{replay}`: the progress of a replay. */
import { createRoute } from "@hono/zod-openapi";
import { RequestError } from "../../platform/errors";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { existingWebhook } from "../../webhooks/existing-webhook";
import { progressResponse, replayParamsSchema, replayProgressSchema } from "./schemas";
import { laneOf } from "../../lane/lane-of";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/{uuid}/replays/{replay}",
  operationId: "getReplay",
  security: requiresScope("webhooks:read"),
  tags: ["Deliveries"],
  summary: "Get a replay's progress",
  description: "The number of its deliveries, and how many of them were delivered or given up.",
  request: { params: replayParamsSchema },
  responses: {
    200: {
      description: "The progress.",
      content: { "application/json": { schema: replayProgressSchema } },
    },
    404: messageResponse("There is no such webhook or replay."),
  },
});

/** Adds the endpoint to `router`. */
export function getReplay(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid, replay } = c.req.valid("param");
    const webhook = await existingWebhook(c.env, uuid);
    const progress = await laneOf(c.env, webhook.uuid).replayProgress(replay);
    if (progress === null) throw new RequestError(404, `Replay ${replay} does not exist, or is long done.`);
    return c.json(progressResponse(progress), 200);
  });
}
