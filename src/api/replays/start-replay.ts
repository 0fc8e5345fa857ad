/** `POST /subscribers/{uuid}/replay`: sends again what was accepted in a time. */
import { createRoute, z } from "@hono/zod-openapi";
import { RequestError } from "../../platform/errors";
import { jsonBody } from "../json-body";
import { messageAnswer } from "../message";
import { needs } from "../needs";
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
      "By time of acceptance; until (excluded) is now by default. dead: dead letters, as far back as they are kept (90 days). all: whatever is finished. missing: archived events that the webhook's subscriptions match today and that never reached it.",
  });

const route = createRoute({
  method: "post",
  path: "/api/notifications/subscribers/{uuid}/replay",
  operationId: "startReplay",
  security: needs("webhooks:write"),
  tags: ["Deliveries"],
  summary: "Replay deliveries",
  description:
    "Replays have a queue of their own, which is sent in order when no new delivery is due, and one in ten otherwise. Requests carry X-Orchest-Replay.",
  middleware: jsonBody,
  request: {
    params: uuidParamSchema,
    body: { required: true, content: { "application/json": { schema: replaySchema } } },
  },
  responses: {
    202: {
      description: "It is on its way.",
      content: {
        "application/json": {
          schema: z.object({
            replay: z.string(),
            queued: z.int().openapi({ description: "Exact up to 1,000, else a lower bound." }),
          }),
        },
      },
    },
    400: messageAnswer("What is wrong with the request, or from when on there is something to replay."),
    404: messageAnswer("There is no such webhook."),
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
          `since: must not be before ${isoTime(started.earliest)}: what is older is no longer kept.`,
        );
      case "unknown":
        throw unknownSubscriber(uuid);
    }
  });
}
