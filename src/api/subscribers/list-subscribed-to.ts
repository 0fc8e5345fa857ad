/** `GET /subscribers/subscribed-to/{event_type}`: the webhooks that an event would be sent to. */
import { createRoute, z } from "@hono/zod-openapi";
import { listSubscribedWebhooks } from "../../webhooks/webhooks";
import { RequestError } from "../../platform/errors";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { filterParamSchema, subscribersSchema } from "../../webhooks/schemas";
import { webhookResponse } from "./webhook-response";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/subscribed-to/{event_type}",
  operationId: "listSubscribersOfEventType",
  security: requiresScope("webhooks:read"),
  tags: ["Subscribers"],
  summary: "List webhooks subscribed to an event type",
  description: "The list is empty for an event type that does not exist.",
  request: {
    params: z.object({
      event_type: z.string().openapi({ description: "The event's type.", example: "project:created" }),
    }),
    query: z.object({
      project_uuid: filterParamSchema.openapi({
        description: "The event's project: subscriptions to it count too.",
      }),
      job_uuid: filterParamSchema.openapi({
        description: "The event's job: subscriptions to it count too. Needs project_uuid.",
      }),
    }),
  },
  responses: {
    200: { description: "The webhooks.", content: { "application/json": { schema: subscribersSchema } } },
    400: messageResponse("job_uuid is given without project_uuid."),
  },
});

/** Adds the endpoint to `router`. */
export function listSubscribedTo(router: Router): void {
  router.openapi(route, async (c) => {
    const { event_type: eventType } = c.req.valid("param");
    const { project_uuid: projectUuid, job_uuid: jobUuid } = c.req.valid("query");
    if (jobUuid !== null && projectUuid === null) {
      throw new RequestError(
        400,
        "job_uuid: must be sent together with the project_uuid of the job's project.",
      );
    }
    const webhooks = await listSubscribedWebhooks(c.env, { eventType, projectUuid, jobUuid });
    return c.json({ subscribers: webhooks.map((webhook) => webhookResponse(webhook, [])) }, 200);
  });
}
