/** `GET /subscribable-events`: the event types that webhooks can subscribe to, and their filters. */
import { createRoute, z } from "@hono/zod-openapi";
import { listEventTypes } from "../../events/event-types";
import { neverSentType, optionalFilters } from "../../events/types";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";

/** An event type, with the combinations of filters that a subscription to it may have. */
const subscribableEventSchema = z
  .object({
    name: z.string().openapi({ example: "project:one-off-job:pipeline-run:failed" }),
    optional_filters: z.array(z.array(z.enum(["project_uuid", "job_uuid"]))),
  })
  .openapi("SubscribableEvent");

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribable-events",
  operationId: "listSubscribableEvents",
  security: requiresScope("webhooks:read"),
  tags: ["Subscribers"],
  summary: "List subscribable event types",
  description: `Orchest's event types and the gateway's own, with the filters that a subscription to each may have. Orchest documents \`${neverSentType}\` but never sends it, because a cron job does not end by itself.`,
  responses: {
    200: {
      description: "All event types.",
      content: { "application/json": { schema: z.object({ events: z.array(subscribableEventSchema) }) } },
    },
  },
});

/** Adds the endpoint to `router`. */
export function listSubscribableEvents(router: Router): void {
  router.openapi(route, async (c) => {
    const names = await listEventTypes(c.env);
    const events = names.map((name) => ({ name, optional_filters: optionalFilters(name) }));
    return c.json({ events }, 200);
  });
}
