/** `GET /api/tokens`: which tokens there are. */
import { createRoute, z } from "@hono/zod-openapi";
import { listTokens as listRows } from "../../auth/tokens";
import { cursorParamSchema, limitParamSchema, nextCursor } from "../../http/list-params";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../../http/router";
import { tokensSchema } from "./schemas";
import { tokenAnswer } from "./token-answer";

const route = createRoute({
  method: "get",
  path: "/api/tokens",
  security: needs("admin"),
  tags: ["Access"],
  summary: "Which tokens there are",
  description: "Newest first, revoked ones too. Those of the setting API_TOKENS are not among them.",
  request: { query: z.object({ limit: limitParamSchema, cursor: cursorParamSchema }) },
  responses: {
    200: { description: "A page.", content: { "application/json": { schema: tokensSchema } } },
    400: messageAnswer("What is wrong with the query."),
  },
});

/** Adds the endpoint to `router`. */
export function listTokens(router: Router): void {
  router.openapi(route, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const { rows, next } = await listRows(c.env, { limit, before: cursor });
    return c.json({ tokens: rows.map(tokenAnswer), next_cursor: nextCursor(next) }, 200);
  });
}
