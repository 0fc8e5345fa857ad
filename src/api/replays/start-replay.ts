/** `POST /subscribers/{uuid}/replay`: resends the deliveries of a time range. */
import { createRoute, z } from "@hono/zod-openapi";
import { RequestError } from "../../platform/errors";
import { jsonBody } from "../json-body";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import { optionalTimeFieldSchema, timeFieldSchema } from "../time-field";
import type { Router } from "../../http/router";
import { existingWebhook, unknownSubscriber } from "../../webhooks/existing-webhook";
import { uuidParamSchema } from "../../webhooks/schemas";
import { isoTime } from "../../platform/time";
import { operationOf } from "../../auth/operation";
import { startReplay as start } from "../../webhooks/start-replay";

const allowed = "since, until, status";

const replaySchema = z
  .strictObject(
    {
      since: timeFieldSchema,
      until: optionalTimeFieldSchema,
      status: z.enum(["dead", "all", "missing"], { error: "must be dead, all or missing" }),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? `unknown ${issue.keys.join(", ")}: a replay has ${allowed}`
          : `a replay must be an object with ${allowed}`,
    },
  )
  .openapi("Replay", {
    example: { since: "2026-11-01T00:00:00Z", status: "dead" },
    description:
      "since (inclusive) and until (exclusive; by default now) select by time of acceptance. dead: dead letters, which are kept for 90 days. all: all finished deliveries. missing: archived events that match the webhook's current subscriptions and have no delivery to it.",
  });

const route = createRoute({
  method: "post",
  path: "/api/notifications/subscribers/{uuid}/replay",
  operationId: "startReplay",
  security: requiresScope("webhooks:write"),
  tags: ["Deliveries"],
  summary: "Replay deliveries",
  description:
    "Replays have a queue of their own, which is sent in order when no live delivery is due; otherwise, one in ten attempts is for replays. Requests have the header X-Orchest-Replay.",
  middleware: jsonBody,
  request: {
    params: uuidParamSchema,
    body: { required: true, content: { "application/json": { schema: replaySchema } } },
  },
  responses: {
    202: {
      description: "The replay has started.",
      content: {
        "application/json": {
          schema: z.object({
            replay: z.string(),
            queued: z.int().openapi({
              description: "The number of deliveries; exact up to 1,000, above that a lower bound.",
            }),
          }),
        },
      },
    },
    400: messageResponse("A field is not valid, or since is earlier than deliveries are kept."),
    404: messageResponse("There is no such webhook."),
  },
});

/** Adds the endpoint to `router`. */
export function startReplay(router: Router): void {
  router.openapi(route, async (c) => {
    const { uuid } = c.req.valid("param");
    const { since, until, status } = c.req.valid("json");
    const webhook = await existingWebhook(c.env, uuid);
    const started = await start(operationOf(c), webhook, { kind: status, since, until: until ?? Date.now() });
    switch (started.outcome) {
      case "started":
        return c.json({ replay: started.id, queued: started.queued }, 202);
      case "tooEarly":
        throw new RequestError(
          400,
          `since: must not be before ${isoTime(started.earliest)}: older deliveries are no longer kept.`,
        );
      case "unknown":
        throw unknownSubscriber(uuid);
    }
  });
}
