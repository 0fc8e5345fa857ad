/** `GET /api/rejected`: a page of the rejected messages. */
import { createRoute, z } from "@hono/zod-openapi";
import { mayReadTexts } from "../../auth/scopes";
import { listRejected as listRows } from "../../events/rejected";
import { cursorParamSchema, limitParamSchema, nextCursor, nextCursorSchema } from "../../http/list-params";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { isoTime, timeSchema } from "../../platform/time";

const rejectedSchema = z
  .object({
    rejected: z.array(
      z.object({
        id: z.int(),
        reason: z.string(),
        body: z.string().nullable().openapi({
          description:
            "The message's text; a structured one as JSON. Null without the scope deliveries:read.",
        }),
        received_at: timeSchema,
        message_id: z.string().openapi({
          description: "The message's id in the queue, or orchest: and a hash of the body that Orchest sent.",
        }),
      }),
    ),
    next_cursor: nextCursorSchema,
  })
  .openapi("Rejected");

const route = createRoute({
  method: "get",
  path: "/api/rejected",
  operationId: "listRejectedMessages",
  security: requiresScope("webhooks:read"),
  tags: ["Events"],
  summary: "List rejected messages",
  description:
    "Messages from the queue and from Orchest that could not be published, newest first, with the reason. They are kept until they are redriven, at most for ARCHIVE_DAYS and up to 1 GB in all. The field body needs the scope deliveries:read.",
  request: { query: z.object({ limit: limitParamSchema, cursor: cursorParamSchema }) },
  responses: {
    200: { description: "A page of messages.", content: { "application/json": { schema: rejectedSchema } } },
    400: messageResponse("A query parameter is not valid."),
  },
});

/** Adds the endpoint to `router`. */
export function listRejected(router: Router): void {
  router.openapi(route, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const { rows, next } = await listRows(c.env.DB, { limit, before: cursor });
    const isShown = mayReadTexts(c.var.caller);
    const rejected = rows.map(({ id, reason, body, received_at, message_id }) => ({
      id,
      reason,
      body: isShown ? body : null,
      received_at: isoTime(received_at),
      message_id,
    }));
    return c.json({ rejected, next_cursor: nextCursor(next) }, 200);
  });
}
