/** Webhooks in API responses. */
import type { z } from "@hono/zod-openapi";
import type { Subscription } from "../../webhooks/subscriptions";
import { decryptSettings, maskedValue } from "../../platform/encryption";
import type { Config } from "../../platform/config";
import type { Webhook } from "../../webhooks/webhooks";
import { maskHeaders } from "../../webhooks/custom-headers";
import { maskFormatOptions } from "../../webhooks/format-settings";
import type { webhookSchema } from "../../webhooks/schemas";

/**
 * @returns the member of a response for a secret that the gateway generated in this request; none for a secret from the
 *   request.
 */
export function shownOnce(generatedSecret: string | null): { secret?: string } {
  return generatedSecret === null ? {} : { secret: generatedSecret };
}

/**
 * @param subscriptions of the webhook; empty when they are not loaded.
 * @returns the webhook without secrets: with only the origin of its URL, and with a masked template.
 */
export function webhookResponse(
  webhook: Webhook,
  subscriptions: Subscription[],
): z.output<typeof webhookSchema> {
  return {
    uuid: webhook.uuid,
    type: "webhook",
    url: webhook.origin,
    name: webhook.name,
    verify_ssl: webhook.verifySsl,
    content_type: webhook.contentType,
    subscriptions: subscriptions.map((subscription) => ({
      uuid: subscription.uuid,
      subscriber_uuid: webhook.uuid,
      event_type: subscription.eventType,
      project_uuid: subscription.projectUuid || null,
      job_uuid: subscription.jobUuid || null,
    })),
    ordering: webhook.ordering,
    retry: { max_attempts: webhook.retryMaxAttempts, max_age_s: webhook.retryMaxAgeS },
    timeout_s: webhook.timeoutS,
    headers: maskHeaders(webhook.headerNames),
    format: webhook.format,
    format_options: maskFormatOptions(webhook.formatOptionNames),
    template: webhook.format === "template" ? maskedValue : null,
    rate_limit_per_s: webhook.rateLimitPerS,
    digest_s: webhook.digestS ?? 0,
    egress: webhook.egress,
    state: webhook.state,
    disabled_reason: webhook.disabledReason,
  };
}

/**
 * @param subscriptions of the webhook.
 * @returns the webhook as `webhookResponse`, but with its template.
 * @throws {ConfigurationError} when no key decrypts the template.
 */
export async function fullWebhookResponse(
  { encryptionKeys }: Config,
  webhook: Webhook,
  subscriptions: Subscription[],
): Promise<z.output<typeof webhookSchema>> {
  const response = webhookResponse(webhook, subscriptions);
  if (response.template === null) return response;
  const settings = await decryptSettings(encryptionKeys, webhook.uuid, webhook.encryptedSettings);
  return { ...response, template: settings.template ?? null };
}
