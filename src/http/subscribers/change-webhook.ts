/** The change of a webhook: in D1, where it counts, and then in its lane. */
import type { z } from "@hono/zod-openapi";
import type { Config } from "../../config";
import type { SubscriptionSpec } from "../../db/subscriptions";
import { findWebhook, laneConfig, updateWebhook, type Webhook, type WebhookChanges } from "../../db/webhooks";
import { RequestError } from "../../errors";
import { log } from "../../log";
import { seal, unseal, type SealedSettings } from "../../sealing";
import { newSecret } from "./new-webhook";
import type { webhookChangesSchema } from "./schemas";
import { parseSubscriptions } from "./subscription-rules";
import { checkVerification, parseTarget } from "./webhook-target";

/** One of several changes at the same moment always gets through, so this many may come together. */
const triesMax = 10;

/** A change of the right form, with its URL and subscriptions understood. */
type ParsedChanges = {
  plain: Omit<WebhookChanges, "sealed">;
  secrets: Partial<SealedSettings>;
  subscriptions: SubscriptionSpec[] | undefined;
};

/**
 * Changes a webhook. On return D1 has it; its lane has it too, or takes it at its next run.
 * @throws {RequestError} 400 when there is nothing to change, no such webhook or something is wrong; 409 when
 * too many others change it at the same time.
 */
export async function changeWebhook(
  env: Env,
  config: Config,
  uuid: string,
  spec: z.output<typeof webhookChangesSchema>,
): Promise<void> {
  const changes = parseChanges(spec, config);
  for (let tries = 0; tries < triesMax; tries++) {
    const read = await findWebhook(env, uuid);
    if (read === null) throw new RequestError(400, `Webhook ${uuid} does not exist.`);

    checkVerification(changes.plain.origin ?? read.origin, changes.plain.verifySsl ?? read.verifySsl);
    const row = { ...changes.plain, ...(await reseal(read, changes.secrets, config)) };
    const changed = await updateWebhook(env, read, row, changes.subscriptions);
    if (changed !== null) return configureLane(env, changed);
  }
  throw new RequestError(409, `Webhook ${uuid} is being changed by others at the same time. Try again.`);
}

function parseChanges(spec: z.output<typeof webhookChangesSchema>, config: Config): ParsedChanges {
  const { url, name, verify_ssl, content_type, secret, ordering, retry, subscriptions } = spec;
  const fields = { url, name, verify_ssl, content_type, secret, ordering, retry, subscriptions };
  if (Object.values(fields).every((field) => (field ?? null) === null)) {
    const names = Object.keys(fields).join(", ");
    throw new RequestError(400, `Nothing to change: send at least one of ${names}.`);
  }
  const target = typeof url === "string" ? parseTarget(url, config) : undefined;
  return {
    plain: {
      name: name ?? undefined,
      origin: target?.origin,
      verifySsl: verify_ssl ?? undefined,
      contentType: content_type ?? undefined,
      ordering: ordering ?? undefined,
      retryMaxAttempts: retry?.max_attempts ?? undefined,
      retryMaxAgeS: retry?.max_age_s ?? undefined,
    },
    secrets: {
      ...(target && { url: target.href }),
      ...(typeof secret === "string" && { secret: secret || newSecret() }),
    },
    subscriptions: subscriptions ? parseSubscriptions(subscriptions) : undefined,
  };
}

/** URL and secret are sealed together: changing one needs the other. */
async function reseal(
  webhook: Webhook,
  secrets: Partial<SealedSettings>,
  { encryptionKeys }: Config,
): Promise<Pick<WebhookChanges, "sealed">> {
  if (Object.keys(secrets).length === 0) return {};
  const settings = { ...(await unseal(encryptionKeys, webhook.uuid, webhook.sealed)), ...secrets };
  return { sealed: await seal(encryptionKeys, webhook.uuid, settings) };
}

/** The lane reads its own row in D1 anyway: telling it only makes the change hold at once. */
async function configureLane(env: Env, webhook: Webhook): Promise<void> {
  try {
    await env.LANES.get(env.LANES.idFromName(webhook.uuid)).configure(laneConfig(webhook));
  } catch (error) {
    log("warn", "lane not told of a change", { webhook: webhook.uuid, error: String(error) });
  }
}
