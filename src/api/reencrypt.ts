/** `POST /api/reencrypt`: re-encrypts settings of older keys with the first key. */
import { createRoute, z } from "@hono/zod-openapi";
import { operationOf } from "../auth/operation";
import type { Router } from "../http/router";
import { reencryptedMax, reencryptWebhooks } from "../webhooks/reencrypt";
import { requiresScope } from "./route-scopes";

const route = createRoute({
  method: "post",
  path: "/api/reencrypt",
  operationId: "reencryptWebhooks",
  security: requiresScope("admin"),
  tags: ["Operation"],
  summary: "Re-encrypt webhooks with the first key of ENCRYPTION_KEY",
  description: `Re-encrypts up to ${reencryptedMax} webhooks whose settings an older key encrypted. Repeat it until left is 0, then remove the older keys.`,
  responses: {
    200: {
      description: "The progress.",
      content: {
        "application/json": {
          schema: z.object({
            reencrypted: z.int(),
            left: z.int().openapi({ description: "Webhooks whose settings an older key still encrypts." }),
            unreadable: z.int().openapi({
              description: "Webhooks whose settings no key in ENCRYPTION_KEY decrypts.",
            }),
          }),
        },
      },
    },
  },
});

/** Adds the endpoint to `router`. */
export function reencrypt(router: Router): void {
  router.openapi(route, async (c) => c.json(await reencryptWebhooks(operationOf(c)), 200));
}
