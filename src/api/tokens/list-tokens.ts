/** `GET /api/tokens`: a page of the API tokens. */
import { createRoute, z } from "@hono/zod-openapi";
import { listTokens as listRows } from "../../auth/tokens";
import { cursorParamSchema, limitParamSchema, nextCursor } from "../../http/list-params";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { tokensSchema } from "./schemas";
import { tokenResponse } from "./token-response";

const route = createRoute({
  method: "get",
  path: "/api/tokens",
  operationId: "listTokens",
  security: requiresScope("admin"),
  tags: ["Access"],
  summary: "List tokens",
  description: "Newest first, with revoked tokens, and without those in the setting API_TOKENS.",
  request: { query: z.object({ limit: limitParamSchema, cursor: cursorParamSchema }) },
  responses: {
    200: { description: "A page of tokens.", content: { "application/json": { schema: tokensSchema } } },
    400: messageResponse("A query parameter is not valid."),
  },
});

/** Adds the endpoint to `router`. */
export function listTokens(router: Router): void {
  router.openapi(route, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const { rows, next } = await listRows(c.env, { limit, before: cursor });
    return c.json({ tokens: rows.map(tokenResponse), next_cursor: nextCursor(next) }, 200);
  });
}
