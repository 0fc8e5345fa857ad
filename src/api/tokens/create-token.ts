/** `POST /api/tokens`: creates an API token. */
import { createRoute } from "@hono/zod-openapi";
import { hashToken, newToken } from "../../auth/token";
import { rememberNewToken } from "../../auth/token-hash-prefixes";
import { insertToken } from "../../auth/tokens";
import { audit } from "../../auth/audit";
import { jsonBody } from "../json-body";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { newTokenSchema, tokenSpecSchema } from "./schemas";
import { tokenResponse } from "./token-response";

const route = createRoute({
  method: "post",
  path: "/api/tokens",
  operationId: "createToken",
  security: requiresScope("admin"),
  tags: ["Access"],
  summary: "Create a token",
  description: "The token is shown only in this response: the gateway stores only its SHA-256.",
  middleware: jsonBody,
  request: { body: { required: true, content: { "application/json": { schema: tokenSpecSchema } } } },
  responses: {
    201: { description: "The token.", content: { "application/json": { schema: newTokenSchema } } },
    400: messageResponse("A field is not valid."),
  },
});

/** Adds the endpoint to `router`. */
export function createToken(router: Router): void {
  router.openapi(route, async (c) => {
    const { name, scopes, expires_at: expiresAt = null } = c.req.valid("json");
    const token = newToken();
    const hash = await hashToken(token);
    const stored = await insertToken(c.env, { name, scopes, expiresAt }, hash);
    rememberNewToken(hash.prefix);
    await audit(c, { action: "token.created", target: stored.uuid, detail: scopes.join(", ") });
    return c.json({ ...tokenResponse(stored), token }, 201);
  });
}
