/** `DELETE /api/tokens/{id}`: revokes an API token. */
import { createRoute, z } from "@hono/zod-openapi";
import { forgetToken } from "../../auth/stored-tokens";
import { findToken, revokeToken as revoke } from "../../auth/tokens";
import { RequestError } from "../../platform/errors";
import { audit } from "../../auth/audit";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";

const route = createRoute({
  method: "delete",
  path: "/api/tokens/{id}",
  operationId: "revokeToken",
  security: requiresScope("admin"),
  tags: ["Access"],
  summary: "Revoke a token",
  description:
    "Ends the token and all sessions that were started with it. A revoked token may still work for up to a minute.",
  request: { params: z.object({ id: z.string().toLowerCase().openapi({ description: "The token's id." }) }) },
  responses: {
    200: messageResponse("The token is revoked."),
    404: messageResponse("There is no such token."),
  },
});

/** Adds the endpoint to `router`. */
export function revokeToken(router: Router): void {
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const isChanged = await revoke(c.env, id);
    forgetToken(id);
    if (isChanged) await audit(c, { action: "token.revoked", target: id });
    else if ((await findToken(c.env, id)) === null)
      throw new RequestError(404, `Token ${id} does not exist.`);
    return c.json({ message: `Token ${id} is revoked.` }, 200);
  });
}
