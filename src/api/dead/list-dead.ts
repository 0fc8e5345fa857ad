/** `GET /api/dead`: webhooks with dead letters. */
import { createRoute, z } from "@hono/zod-openapi";
import { listWithDeadLetters } from "../../webhooks/dead-letters";
import { cursorParamSchema, limitParamSchema, nextCursor, nextCursorSchema } from "../../http/list-params";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";

const deadSchema = z
  .object({
    webhooks: z.array(
      z.object({
        uuid: z.string(),
        name: z.string(),
        url: z.string().openapi({ example: "https://hooks.slack.com" }),
        dead_letters: z.int(),
      }),
    ),
    next_cursor: nextCursorSchema,
  })
  .openapi("WebhooksWithDeadLetters");

const route = createRoute({
  method: "get",
  path: "/api/dead",
  operationId: "listWebhooksWithDeadLetters",
  security: requiresScope("webhooks:read"),
  tags: ["Deliveries"],
  summary: "List webhooks with dead letters",
  description: "In order of creation. The dead letters of a webhook are its deliveries with status=dead.",
  request: { query: z.object({ limit: limitParamSchema, cursor: cursorParamSchema }) },
  responses: {
    200: { description: "A page of webhooks.", content: { "application/json": { schema: deadSchema } } },
    400: messageResponse("A query parameter is not valid."),
  },
});

/** Adds the endpoint to `router`. */
export function listDead(router: Router): void {
  router.openapi(route, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const { rows, next } = await listWithDeadLetters(c.env.DB, { limit, after: cursor });
    const webhooks = rows.map(({ uuid, name, origin, dead_letters }) => ({
      uuid,
      name,
      url: origin,
      dead_letters,
    }));
    return c.json({ webhooks, next_cursor: nextCursor(next) }, 200);
  });
}
