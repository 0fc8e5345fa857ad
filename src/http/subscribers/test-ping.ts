/** `GET /subscribers/test-ping-delivery/{uuid}`: sends a ping to a webhook. */
import { createRoute } from "@hono/zod-openapi";
import { findWebhook, laneConfig } from "../../db/webhooks";
import { sendPing } from "../../delivery/ping";
import { refuseResolvedTarget } from "../../delivery/resolve-target";
import { unseal } from "../../sealing";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import { limitRate } from "../rate-limit";
import type { Router } from "../router";
import { uuidParamSchema } from "./schemas";
import { configOf } from "./webhook-target";

const route = createRoute({
  method: "get",
  path: "/api/notifications/subscribers/test-ping-delivery/{uuid}",
  security: needs("webhooks:write"),
  tags: ["Subscribers"],
  summary: "Try out a webhook",
  request: { params: uuidParamSchema },
  responses: {
    200: messageAnswer("The receiver answered 2xx."),
    429: messageAnswer("Too many test pings in this minute."),
    500: messageAnswer("It did not, or there is no such webhook."),
  },
});

/** Adds the endpoint to `router`. */
export function testPing(router: Router): void {
  router.openapi(route, async (c) => {
    const rules = configOf(c);
    const row = await findWebhook(c.env, c.req.valid("param").uuid);
    if (row === null) return c.json({ message: "failure" }, 500);

    const settings = await unseal(rules.encryptionKeys, row.uuid, row.sealed);
    // Its name may resolve to something else than when it was stored.
    const refusal = await refuseResolvedTarget(new URL(settings.url), rules);
    if (refusal !== null) return c.json({ message: "failure" }, 500);
    const { webhook } = laneConfig(row);
    await limitRate(c.env.PING_LIMIT, c.var.caller.id, "test pings");
    const { delivered } = await sendPing({ webhook, settings, timeoutS: row.timeoutS, rules });
    return delivered ? c.json({ message: "success" }, 200) : c.json({ message: "failure" }, 500);
  });
}
