/** `POST /api/reencrypt`: encrypts with the first key what older keys encrypted. */
import { createRoute, z } from "@hono/zod-openapi";
import { operationOf } from "../auth/operation";
import type { Router } from "../http/router";
import { reencryptedMax, reencryptWebhooks } from "../webhooks/reencrypt";
import { needs } from "./needs";

const route = createRoute({
  method: "post",
  path: "/api/reencrypt",
  security: needs("admin"),
  tags: ["Operation"],
  summary: "Encrypt with the first key of ENCRYPTION_KEY what older keys encrypted",
  description: `Takes up to ${reencryptedMax} webhooks at once: repeat until left is 0, then remove the older keys.`,
  responses: {
    200: {
      description: "How far it is.",
      content: {
        "application/json": {
          schema: z.object({
            reencrypted: z.int(),
            left: z.int().openapi({ description: "Webhooks that an older key still encrypts." }),
            unreadable: z.int().openapi({ description: "Webhooks that no key in ENCRYPTION_KEY fits." }),
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
