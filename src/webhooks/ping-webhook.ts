/** Test pings, for the API and for the pages: to a stored webhook, and to one that is yet to be made or changed. */
import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { laneConfigOf } from "../lane/lane-configs";
import type { Webhook } from "./webhooks";
import { type PingResult, sendPing } from "../send/ping";
import { refuseResolvedTarget } from "../send/resolve-target";
import { type SealedSettings, unseal } from "../platform/encryption";
import { audit } from "../auth/audit";
import { limitRate } from "../platform/rate-limit";
import type { AppEnv } from "../http/router";
import { parseNewWebhook } from "./create-webhook";
import type { pingSpecSchema } from "./schemas";
import { configOf } from "./webhook-target";

/**
 * Sends one ping on behalf of `c.var.caller`. A target that may not be reached is not delivered to.
 * @param row A stored webhook, perhaps with changes that are not stored. @param settings The same, if they differ.
 * @throws {HTTPException} 429 when there are too many.
 */
export async function pingWebhook(
  c: Context<AppEnv>,
  row: Webhook,
  settings?: SealedSettings,
): Promise<PingResult> {
  const rules = configOf(c);
  const used = settings ?? (await unseal(rules.encryptionKeys, row.uuid, row.sealed));
  // Its name may resolve to something else than when it was stored.
  const refusal = await refuseResolvedTarget(new URL(used.url), rules);
  if (refusal !== null) {
    const reason = `the host may not be reached. ${refusal.replace(/\.$/, "")}`;
    return { delivered: false, error: "blocked", status: null, reason };
  }
  const { webhook } = laneConfigOf(row);
  await limitRate(c.env.PING_LIMIT, c.var.caller.id, "test pings");
  await auditPing(c, used, row.uuid);
  return sendPing({ webhook, settings: used, timeoutS: row.timeoutS, rules });
}

/**
 * The same for a webhook that does not exist yet. Nothing is stored.
 * @throws {RequestError} 400 when it may not be sent to, or not in this way.
 * @throws {HTTPException} 429 as above.
 */
export async function pingNewWebhook(
  c: Context<AppEnv>,
  spec: z.output<typeof pingSpecSchema>,
): Promise<PingResult> {
  const rules = configOf(c);
  const { shown, settings } = await parseNewWebhook(spec, rules);
  const { uuid, name, verifySsl, contentType } = shown;
  const webhook = { uuid, name, verifySsl, contentType };
  await limitRate(c.env.PING_LIMIT, c.var.caller.id, "test pings");
  await auditPing(c, settings);
  return sendPing({ webhook, settings, timeoutS: shown.timeoutS, rules });
}

/** Before it is sent: where it went shall be known, whatever becomes of it. @param target the uuid of a stored webhook. */
function auditPing(c: Context<AppEnv>, { url }: SealedSettings, target?: string): Promise<void> {
  return audit(c, { action: "webhook.tested", target, detail: new URL(url).origin });
}
