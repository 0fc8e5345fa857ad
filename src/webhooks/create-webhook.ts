/** Creates webhooks. Test pings share the validation. */
import type { z } from "@hono/zod-openapi";
import type { Subscription } from "./subscriptions";
import { insertWebhook, type NewWebhook, type Webhook } from "./webhooks";
import type { RouteRules } from "../send/egress/choose-route";
import { encryptSettings, type SecretSettings } from "../platform/encryption";
import { audit } from "../db/audit";
import { configureLane } from "./configure-lane";
import { mergeHeaders } from "./custom-headers";
import { checkDigest } from "./digest-rules";
import { newFormatSettings } from "./format-settings";
import type { pingSpecSchema, webhookSpecSchema } from "./schemas";
import type { Operation } from "./operation";
import { parseSubscriptions } from "./subscription-rules";
import { checkRoute, parseTarget } from "./webhook-target";

const secretBytes = 64;

/** The settings of a new webhook: those that can be shown, and those that are encrypted. */
type NewWebhookSettings = {
  shown: Omit<NewWebhook, "encryptedSettings">;
  settings: SecretSettings;
};

/** The secret that the gateway generated, to be shown once, in the response; null when the request contained one. */
export type GeneratedSecret = { generatedSecret: string | null };

/**
 * Creates a webhook and audits it.
 * @param spec validated by its schema. @param uuid of the new webhook; no other webhook may have it.
 * @returns the webhook's row, its subscriptions, and its secret if the gateway generated it.
 * @throws {RequestError} 400 when its target, certificate check, egress, headers, format or subscriptions are not
 *   allowed.
 */
export async function createWebhook(
  { env, config, actor }: Operation,
  spec: z.output<typeof webhookSpecSchema>,
  uuid: string = crypto.randomUUID(),
): Promise<{ stored: Webhook; subscriptions: Subscription[] } & GeneratedSecret> {
  const { shown, settings } = await parseNewWebhook(spec, config, uuid);
  const specs = parseSubscriptions(spec.subscriptions ?? []);
  const encryptedSettings = await encryptSettings(config.encryptionKeys, uuid, settings);
  const made = await insertWebhook(env, { ...shown, encryptedSettings }, specs);
  await configureLane(env, made.stored);
  await audit(env, actor, { action: "webhook.created", target: uuid });
  return { ...made, generatedSecret: spec.secret ? null : settings.secret };
}

/**
 * Validates a new webhook beyond its schema, and applies the defaults. Ignores its subscriptions.
 * @param spec validated by its schema. @param uuid of the webhook; a new one by default.
 * @throws {RequestError} 400 when its target, certificate check, egress, headers or format are not allowed.
 */
export async function parseNewWebhook(
  spec: z.output<typeof pingSpecSchema>,
  rules: RouteRules,
  uuid: string = crypto.randomUUID(),
): Promise<NewWebhookSettings> {
  const target = await parseTarget(spec.url, rules);
  const { url } = target;
  const egress = spec.egress || null;
  checkRoute({ ...target, verifySsl: spec.verify_ssl, egress }, rules);
  const headers = mergeHeaders({}, spec.headers ?? {});
  const contentType = spec.content_type ?? "application/json";
  const format = spec.format ?? "auto";
  const ofFormat = newFormatSettings(
    { format, url: url.href, contentType },
    { formatOptions: spec.format_options, template: spec.template },
  );
  const ordering = spec.ordering ?? "strict";
  const digestS = spec.digest_s || null;
  checkDigest({ digestS, ordering, format, url: url.href, contentType });
  return {
    shown: {
      uuid,
      name: spec.name ?? "",
      origin: url.origin,
      verifySsl: spec.verify_ssl,
      contentType,
      ordering,
      retryMaxAttempts: spec.retry?.max_attempts ?? null,
      retryMaxAgeS: spec.retry?.max_age_s ?? null,
      timeoutS: spec.timeout_s ?? null,
      rateLimitPerS: spec.rate_limit_per_s ?? null,
      digestS,
      egress,
      headerNames: Object.keys(headers),
      format,
      formatOptionNames: Object.keys(ofFormat.formatOptions ?? {}),
    },
    settings: {
      url: url.href,
      secret: spec.secret || newSecret(),
      ...(target.resolved !== null && { isPrivate: true }),
      ...(spec.headers && { headers }),
      ...ofFormat,
    },
  };
}

/** @returns a secret of 64 random bytes in hex, as Orchest generates them. */
export function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(secretBytes)).toHex();
}
