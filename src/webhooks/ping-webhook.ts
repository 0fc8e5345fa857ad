/** Test pings to a stored webhook, or to one that is not created or changed yet. */
import type { z } from "@hono/zod-openapi";
import { laneConfigOf } from "../lane/lane-configs";
import type { Webhook } from "./webhooks";
import { type PingResult, sendPing } from "../send/ping";
import type { SenderSetup } from "../send/sender";
import { buildMessage } from "../send/message/build-message";
import type { Format } from "../send/message/formats";
import { type Preview, previewOf } from "../send/message/preview";
import { formatOf } from "../send/message/recognise-service";
import { orchestTime } from "../platform/time";
import { resolvedPrivateReason } from "../send/resolve-target";
import { chooseRoute } from "../send/egress/choose-route";
import { type SecretSettings, decryptSettings } from "../platform/encryption";
import { audit } from "../db/audit";
import type { Operation } from "./operation";
import { limitRate } from "../platform/rate-limit";
import { parseNewWebhook } from "./create-webhook";
import type { pingSpecSchema } from "./schemas";

/**
 * The result of a test ping. `shown`: the message as the service displays it; null for formats that are not displayed.
 */
export type WebhookPing = PingResult & { shown: Preview | null };

/**
 * Sends a test ping and audits it. Nothing is sent to a blocked target: the result is then the error `blocked`.
 * @param row a stored webhook, possibly with changes that are not stored.
 * @param settings its secret settings; those of the row by default.
 * @throws {RequestError} 429 when the caller has sent too many within a minute.
 */
export async function pingWebhook(
  operation: Operation,
  row: Webhook,
  settings?: SecretSettings,
): Promise<WebhookPing> {
  const { config: rules } = operation;
  const used = settings ?? (await decryptSettings(rules.encryptionKeys, row.uuid, row.encryptedSettings));
  // The host may resolve to other addresses than when the webhook was stored.
  const url = new URL(used.url);
  const resolved = await resolvedPrivateReason(url, rules);
  const { verifySsl, egress, timeoutS } = row;
  const route = chooseRoute({ url, verifySsl, egress, resolved }, rules);
  if (route.kind === "refused") {
    const reason = `the host may not be reached. ${route.reason.replace(/\.$/, "")}`;
    return { delivered: false, error: "blocked", status: null, reason, shown: null };
  }
  const { webhook } = laneConfigOf(row);
  await limitAndAudit(operation, used, row.uuid);
  const current = { ...used, isPrivate: resolved !== null };
  return ping({
    env: operation.env,
    webhook,
    settings: current,
    format: row.format,
    timeoutS,
    egress,
    rules,
  });
}

/**
 * Sends a test ping to a webhook that does not exist yet, and audits it. The webhook is not stored.
 * @param spec validated by its schema.
 * @throws {RequestError} 400 when its target, certificate check or headers are not allowed.
 * @throws {RequestError} 429 when the caller has sent too many within a minute.
 */
export async function pingNewWebhook(
  operation: Operation,
  spec: z.output<typeof pingSpecSchema>,
): Promise<WebhookPing> {
  const { config: rules } = operation;
  const { shown, settings } = await parseNewWebhook(spec, rules);
  const { uuid, name, verifySsl, contentType } = shown;
  const webhook = { uuid, name, verifySsl, contentType };
  await limitAndAudit(operation, settings);
  const { format, timeoutS, egress } = shown;
  return ping({ env: operation.env, webhook, settings, format, timeoutS, egress, rules });
}

async function ping(setup: SenderSetup & { format: Format }): Promise<WebhookPing> {
  return { ...(await sendPing(setup)), shown: previewOfPing(setup) };
}

function previewOfPing({
  webhook,
  settings,
  format,
  rules,
}: SenderSetup & { format: Format }): Preview | null {
  const { url, formatOptions = {}, template = null } = settings;
  const service = formatOf(format, url, webhook.contentType);
  if (service === "orchest" || service === "cloudevents" || service === "template") return null;
  const event = JSON.stringify({ type: "ping", timestamp: orchestTime(Date.now()) });
  const { orchestUrl } = rules;
  const built = { format: service, webhook, url, event, options: formatOptions, template, orchestUrl };
  return previewOf(service, buildMessage({ ...built, deliveryUuid: crypto.randomUUID(), isTest: true }));
}

/** Applies the rate limit and audits a ping, before it is sent. @param target the uuid of a stored webhook. */
async function limitAndAudit(
  { env, actor }: Operation,
  { url }: SecretSettings,
  target?: string,
): Promise<void> {
  await limitRate(env.PING_LIMIT, actor.id, "test pings");
  await audit(env, actor, { action: "webhook.tested", target, detail: new URL(url).origin });
}
