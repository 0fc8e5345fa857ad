/** From a webhook's spec to what is stored of it, with the rules that creating and trying out share. */
import type { z } from "@hono/zod-openapi";
import type { NewWebhook } from "../../db/webhooks";
import type { TargetRules } from "../../delivery/target";
import type { SealedSettings } from "../../sealing";
import { mergeHeaders } from "./custom-headers";
import type { pingSpecSchema } from "./schemas";
import { checkVerification, parseTarget } from "./webhook-target";

const secretBytes = 64;

/** A webhook's settings: what can be shown, and what is sealed. */
type NewWebhookSettings = {
  shown: Omit<NewWebhook, "sealed">;
  settings: SealedSettings;
};

/**
 * @param spec A webhook as sent in, of the right form; its subscriptions are another matter.
 * @returns the settings of a webhook with a fresh uuid.
 * @throws {RequestError} 400 when it may not be sent to, or not in this way.
 */
export async function parseNewWebhook(
  spec: z.output<typeof pingSpecSchema>,
  rules: TargetRules,
): Promise<NewWebhookSettings> {
  const url = await parseTarget(spec.url, rules);
  checkVerification(url.href, spec.verify_ssl);
  const headers = mergeHeaders({}, spec.headers ?? {});
  return {
    shown: {
      uuid: crypto.randomUUID(),
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
