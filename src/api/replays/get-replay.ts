/** `GET /subscribers/{uuid}/replays/{replay}`: how far a replay has come. */
import { createRoute } from "@hono/zod-openapi";
import { RequestError } from "../../platform/errors";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../../http/router";
import { existingWebhook } from "../../webhooks/existing-webhook";
import { progressAnswer, replayParamsSchema, replayProgressSchema } from "./schemas";
import { laneOf } from "../../lane/lane-of";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/{uuid}/replays/{replay}",
  operationId: "getReplay",
  security: needs("webhooks:read"),
  tags: ["Deliveries"],
  summary: "Get a replay's progress",
  description: "How many deliveries it has, and how many of them are delivered or given up.",
  request: { params: replayParamsSchema },
  responses: {
    200: {
      description: "Its progress.",
      content: { "application/json": { schema: replayProgressSchema } },
    },
    404: messageAnswer("There is no such webhook or replay."),
  },
});

/** Adds the endpoint to `router`. */
export function getReplay(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid, replay } = c.req.valid("param");
    const webhook = await existingWebhook(c.env, uuid);
    const progress = await laneOf(c.env, webhook.uuid).replayProgress(replay);
    if (progress === null) throw new RequestError(404, `Replay ${replay} does not exist, or is long done.`);
    return c.json(progressAnswer(progress), 200);
  });
}
