/** `GET /api/events`: a page of the archive. */
import { createRoute, z } from "@hono/zod-openapi";
import { cursorText, listEvents as listArchivedEvents, parseListCursor } from "../../events/list-events";
import {
  limitParamSchema,
  nextCursorSchema,
  queryParam,
  textParamSchema,
  timeParamSchema,
  uuidFilterParamSchema,
} from "../../http/list-params";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { isoTimeOrNull, timeSchema } from "../../platform/time";
import { archivedEventResponse, archivedEventSchema } from "./archived-event";

const eventsSchema = z
  .object({
    events: z.array(archivedEventSchema),
    next_cursor: nextCursorSchema,
    reaches_back_to: timeSchema.nullable().openapi({
      description:
        "The archive has all events that were accepted from this time on; null when it is empty. It may list earlier ones.",
    }),
    unavailable_shards: z.array(z.int()).openapi({
      description:
        "The numbers of the event shards that did not respond. Their events are not on this page; next_cursor leads to them.",
    }),
  })
  .openapi("ArchivedEvents");

const route = createRoute({
  method: "get",
  path: "/api/events",
  operationId: "listEvents",
  security: requiresScope("webhooks:read"),
  tags: ["Events"],
  summary: "List accepted events",
  description:
    "Newest first. A page may have fewer entries than limit, or none, and still have a next_cursor: follow it until it is null.",
  request: {
    query: z.object({
      type: textParamSchema,
      project_uuid: uuidFilterParamSchema,
      job_uuid: uuidFilterParamSchema,
      since: timeParamSchema,
      until: timeParamSchema,
      limit: limitParamSchema,
      cursor: queryParam(parseListCursor, "must be the next_cursor of the previous page").openapi({
        type: "string",
        pattern: "^([0-9]{0,15}(-[0-9]{0,15}){1,256})?$",
        description: "The next_cursor of the previous page.",
      }),
    }),
  },
  responses: {
    200: {
      description: "A page of events. since (inclusive) and until (exclusive) filter by accepted_at.",
      content: { "application/json": { schema: eventsSchema } },
    },
    400: messageResponse("A query parameter is not valid."),
  },
});

/** Adds the endpoint to `router`. */
export function listEvents(router: Router): void {
  router.openapi(route, async (c) => {
    const { type, project_uuid, job_uuid, since, until, limit, cursor } = c.req.valid("query");
    const page = await listArchivedEvents(c.env, {
      type,
      projectUuid: project_uuid,
      jobUuid: job_uuid,
      since,
      until,
      limit,
      before: cursor,
    });
    return c.json(
      {
        events: page.events.map(archivedEventResponse),
        next_cursor: page.next === null ? null : cursorText(page.next),
        reaches_back_to: isoTimeOrNull(page.reachesBackTo),
        unavailable_shards: page.unavailableShards,
      },
      200,
    );
  });
}
