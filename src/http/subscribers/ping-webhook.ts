/** A test ping to a stored webhook, for the API and for the page. */
import type { Context } from "hono";
import { laneConfig, type Webhook } from "../../db/webhooks";
import { sendPing } from "../../delivery/ping";
import { refuseResolvedTarget } from "../../delivery/resolve-target";
import { unseal } from "../../sealing";
import { limitRate } from "../rate-limit";
import type { AppEnv } from "../router";
import { configOf } from "./webhook-target";

/**
 * Sends one ping on behalf of `c.var.caller`. A target that may not be reached is not delivered to.
 * @throws {HTTPException} 429 when there are too many.
 */
export async function pingWebhook(c: Context<AppEnv>, row: Webhook): Promise<{ delivered: boolean }> {
  const rules = configOf(c);
  const settings = await unseal(rules.encryptionKeys, row.uuid, row.sealed);
  // Its name may resolve to something else than when it was stored.
  const refusal = await refuseResolvedTarget(new URL(settings.url), rules);
  if (refusal !== null) return { delivered: false };
  const { webhook } = laneConfig(row);
  await limitRate(c.env.PING_LIMIT, c.var.caller.id, "test pings");
  return sendPing({ webhook, settings, timeoutS: row.timeoutS, rules });
}
