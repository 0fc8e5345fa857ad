/** `POST /api/reencrypt`: seals anew, with the first key, what older keys sealed. */
import { createRoute, z } from "@hono/zod-openapi";
import { readConfig } from "../platform/config";
import { countSealedWith, countSealedWithout, listSealedWith } from "../webhooks/encrypted-settings";
import { atMost } from "../platform/concurrency";
import { log } from "../platform/log";
import { keyId } from "../platform/encryption";
import { audit } from "../auth/audit";
import { needs } from "./needs";
import type { Router } from "../http/router";
import { resealWebhook } from "../webhooks/change-webhook";

/** How many one call takes: each is a few calls to D1 and one to its lane. */
const webhooksPerCall = 200;
const webhooksAtOnce = 10;

const route = createRoute({
  method: "post",
  path: "/api/reencrypt",
  security: needs("admin"),
  tags: ["Operation"],
  summary: "Encrypt with the first key of ENCRYPTION_KEY what older keys encrypted",
  description: `Takes up to ${webhooksPerCall} webhooks at once: repeat until left is 0, then remove the older keys.`,
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
  router.openapi(route, async (c) => {
    const config = readConfig(c.env);
    const keyIds = await Promise.all(config.encryptionKeys.map(keyId));
    const older = keyIds.filter((id) => id !== keyIds[0]);
    let reencrypted = 0;
    const uuids = await listSealedWith(c.env, older, webhooksPerCall);
    await atMost(webhooksAtOnce, uuids, async (uuid) => {
      try {
        await resealWebhook(c.env, config, uuid);
        reencrypted += 1;
      } catch (error) {
        // One that was tampered with, deleted or changed meanwhile holds up no other.
        log("warn", "webhook not encrypted anew", { webhook: uuid, error: String(error) });
      }
    });
    if (reencrypted > 0) await audit(c, { action: "webhooks.reencrypted", detail: String(reencrypted) });
    const left = await countSealedWith(c.env, older);
    return c.json({ reencrypted, left, unreadable: await countSealedWithout(c.env, keyIds) }, 200);
  });
}
