/** Test pings, for the API and for the pages: to a stored webhook, and to one that is yet to be made or changed. */
import type { z } from "@hono/zod-openapi";
import { laneConfigOf } from "../lane/lane-configs";
import type { Webhook } from "./webhooks";
import { type PingResult, sendPing } from "../send/ping";
import { refuseResolvedTarget } from "../send/resolve-target";
import { type SecretSettings, decryptSettings } from "../platform/encryption";
import { audit } from "../db/audit";
import type { Operation } from "./operation";
import { limitRate } from "../platform/rate-limit";
import { parseNewWebhook } from "./create-webhook";
import type { pingSpecSchema } from "./schemas";

/**
 * Sends one ping. A target that may not be reached is not delivered to.
 * @param row A stored webhook, perhaps with changes that are not stored. @param settings The same, if they differ.
 * @throws {RequestError} 429 when there are too many.
 */
export async function pingWebhook(
  operation: Operation,
  row: Webhook,
  settings?: SecretSettings,
): Promise<PingResult> {
  const { config: rules } = operation;
  const used = settings ?? (await decryptSettings(rules.encryptionKeys, row.uuid, row.encryptedSettings));
  // Its name may resolve to something else than when it was stored.
  const refusal = await refuseResolvedTarget(new URL(used.url), rules);
  if (refusal !== null) {
    const reason = `the host may not be reached. ${refusal.replace(/\.$/, "")}`;
    return { delivered: false, error: "blocked", status: null, reason };
  }
  const { webhook } = laneConfigOf(row);
  await admitPing(operation, used, row.uuid);
  return sendPing({ webhook, settings: used, timeoutS: row.timeoutS, rules });
}

/**
 * The same for a webhook that does not exist yet. Nothing is stored.
 * @throws {RequestError} 400 when it may not be sent to, or not in this way.
 * @throws {RequestError} 429 as above.
 */
export async function pingNewWebhook(
  operation: Operation,
  spec: z.output<typeof pingSpecSchema>,
): Promise<PingResult> {
  const { config: rules } = operation;
  const { shown, settings } = await parseNewWebhook(spec, rules);
  const { uuid, name, verifySsl, contentType } = shown;
  const webhook = { uuid, name, verifySsl, contentType };
  await admitPing(operation, settings);
  return sendPing({ webhook, settings, timeoutS: shown.timeoutS, rules });
}

/** Counts a ping and records where it goes, before it is sent. @param target the uuid of a stored webhook. */
async function admitPing({ env, actor }: Operation, { url }: SecretSettings, target?: string): Promise<void> {
  await limitRate(env.PING_LIMIT, actor.id, "test pings");
  await audit(env, actor, { action: "webhook.tested", target, detail: new URL(url).origin });
}
