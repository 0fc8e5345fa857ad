/** From a webhook's spec to what is stored of it, with the rules that creating and trying out share. */
import type { z } from "@hono/zod-openapi";
import type { Subscription } from "./subscriptions";
import { insertWebhook, type NewWebhook, type Webhook } from "./webhooks";
import type { TargetRules } from "../send/target";
import { encryptSettings, type SecretSettings } from "../platform/encryption";
import { audit } from "../db/audit";
import { mergeHeaders } from "./custom-headers";
import type { pingSpecSchema, webhookSpecSchema } from "./schemas";
import type { Operation } from "./operation";
import { parseSubscriptions } from "./subscription-rules";
import { checkVerification, parseTarget } from "./webhook-target";

const secretBytes = 64;

/** A webhook's settings: what can be shown, and what is encrypted. */
type NewWebhookSettings = {
  shown: Omit<NewWebhook, "encryptedSettings">;
  settings: SecretSettings;
};

/**
 * Creates a webhook.
 * @param spec As sent in, of the right form. @param uuid Of the new webhook; nobody has it yet.
 * @throws {RequestError} 400 when something is wrong with it.
 */
export async function createWebhook(
  { env, config, actor }: Operation,
  spec: z.output<typeof webhookSpecSchema>,
  uuid: string = crypto.randomUUID(),
): Promise<{ stored: Webhook; subscriptions: Subscription[] }> {
  const { shown, settings } = await parseNewWebhook(spec, config, uuid);
  const specs = parseSubscriptions(spec.subscriptions ?? []);
  const encryptedSettings = await encryptSettings(config.encryptionKeys, uuid, settings);
  const made = await insertWebhook(env, { ...shown, encryptedSettings }, specs);
  await audit(env, actor, { action: "webhook.created", target: uuid });
  return made;
}

/**
 * @param spec A webhook as sent in, of the right form; its subscriptions are another matter.
 * @param uuid Of the webhook; a fresh one by default.
 * @throws {RequestError} 400 when it may not be sent to, or not in this way.
 */
export async function parseNewWebhook(
  spec: z.output<typeof pingSpecSchema>,
  rules: TargetRules,
  uuid: string = crypto.randomUUID(),
): Promise<NewWebhookSettings> {
  const url = await parseTarget(spec.url, rules);
  checkVerification(url.href, spec.verify_ssl);
  const headers = mergeHeaders({}, spec.headers ?? {});
  return {
    shown: {
      uuid,
      name: spec.name ?? "",
      origin: url.origin,
      verifySsl: spec.verify_ssl,
      contentType: spec.content_type ?? "application/json",
      ordering: spec.ordering ?? "strict",
      retryMaxAttempts: spec.retry?.max_attempts ?? null,
      retryMaxAgeS: spec.retry?.max_age_s ?? null,
      timeoutS: spec.timeout_s ?? null,
      rateLimitPerS: spec.rate_limit_per_s ?? null,
      headerNames: Object.keys(headers),
    },
    settings: {
      url: url.href,
      secret: spec.secret || newSecret(),
      ...(spec.headers && { headers }),
    },
  };
}

/** @returns 64 random bytes in hex, as Orchest makes them. */
export function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(secretBytes)).toHex();
}
