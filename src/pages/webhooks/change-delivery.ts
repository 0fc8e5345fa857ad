/** `POST /webhooks/{uuid}/deliveries/{delivery}/redeliver` and `/skip`. */
import type { Context } from "hono";
import type { ChangeResult } from "../../delivery/webhook-lane";
import { audit } from "../../http/audit/audit";
import type { AppEnv, Router } from "../../http/router";
import { signedIn } from "../current-user";
import { backTo } from "../parts/outcome";
import { deliveryInPath, noDelivery } from "./in-path";
import { deliveryPath } from "./names";

const changes = {
  redeliver: { action: "delivery.redelivered", outcome: "resent" },
  skip: { action: "delivery.skipped", outcome: "skipped" },
} as const;

/** Adds both forms to `router`. */
export function changeDelivery(router: Router): void {
  router.post("/webhooks/:uuid/deliveries/:delivery/redeliver", signedIn("webhooks:write"), (c) =>
    change(c, "redeliver"),
  );

  router.post("/webhooks/:uuid/deliveries/:delivery/skip", signedIn("webhooks:write"), async (c) => {
    const { confirmed } = await c.req.parseBody();
    if (confirmed === "yes") return change(c, "skip");
    const { webhook, uuid } = await deliveryInPath(c);
    return backTo(c, deliveryPath(webhook, uuid), "unconfirmed");
  });
}

async function change(c: Context<AppEnv>, what: keyof typeof changes): Promise<Response> {
  const { webhook, uuid, sequence } = await deliveryInPath(c);
  const lane = c.env.LANES.getByName(webhook.uuid);
  const result: ChangeResult = await lane[what](sequence);
  if (result === "unknown") throw noDelivery();
  const path = deliveryPath(webhook, uuid);
  if (result !== "done") return backTo(c, path, result);
  const { action, outcome } = changes[what];
  await audit(c, { action, target: webhook.uuid, detail: uuid });
  return backTo(c, path, outcome);
}
