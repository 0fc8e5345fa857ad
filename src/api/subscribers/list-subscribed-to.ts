/** `GET /subscribers/subscribed-to/{event_type}`: whom an event would be sent to. */
import { createRoute, z } from "@hono/zod-openapi";
import { listSubscribedWebhooks } from "../../webhooks/webhooks";
import { RequestError } from "../../platform/errors";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../../http/router";
import { filterParamSchema, subscribersSchema } from "../../webhooks/schemas";
import { webhookAnswer } from "./webhook-answer";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/subscribed-to/{event_type}",
  security: needs("webhooks:read"),
  tags: ["Subscribers"],
  summary: "Whom an event would be sent to",
  description: "An event type that does not exist is one that nobody is subscribed to.",
  request: {
    params: z.object({ event_type: z.string() }),
    query: z.object({ project_uuid: filterParamSchema, job_uuid: filterParamSchema }),
  },
  responses: {
    200: { description: "The webhooks.", content: { "application/json": { schema: subscribersSchema } } },
    400: messageAnswer("A job without its project."),
  },
});

/** Adds the endpoint to `router`. */
export function listSubscribedTo(router: Router): void {
  router.openapi(route, async (c) => {
    const { event_type: eventType } = c.req.valid("param");
    const { project_uuid: projectUuid, job_uuid: jobUuid } = c.req.valid("query");
    if (jobUuid !== null && projectUuid === null) {
      throw new RequestError(400, "job_uuid: needs the project_uuid of the job's project beside it.");
    }
    const webhooks = await listSubscribedWebhooks(c.env, { eventType, projectUuid, jobUuid });
    return c.json({ subscribers: webhooks.map((webhook) => webhookAnswer(webhook, [])) }, 200);
  });
}
