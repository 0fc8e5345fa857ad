/** `GET /subscribers/test-ping-delivery/{uuid}`: sends a ping to a webhook. */
import { createRoute } from "@hono/zod-openapi";
import { readConfig } from "../../config";
import { findWebhook, laneConfig } from "../../db/webhooks";
import { sendPing } from "../../delivery/ping";
import { unseal } from "../../sealing";
import { messageAnswer } from "../message";
import type { Router } from "../router";
import { uuidParamSchema } from "./schemas";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/test-ping-delivery/{uuid}",
  tags: ["Subscribers"],
  summary: "Try out a webhook",
  request: { params: uuidParamSchema },
  responses: {
    200: messageAnswer("The receiver answered 2xx."),
    500: messageAnswer("It did not, or there is no such webhook."),
  },
});

/** Adds the endpoint to `router`. */
export function testPing(router: Router): void {
  router.openapi(route, async (c) => {
    const { encryptionKeys, allowPrivateTargets } = readConfig(c.env);
    const row = await findWebhook(c.env, c.req.valid("param").uuid);
    if (row === null) return c.json({ message: "failure" }, 500);

    const settings = await unseal(encryptionKeys, row.uuid, row.sealed);
    const { webhook } = laneConfig(row);
    const { delivered } = await sendPing({ webhook, settings, timeoutS: row.timeoutS, allowPrivateTargets });
    return delivered ? c.json({ message: "success" }, 200) : c.json({ message: "failure" }, 500);
  });
}
