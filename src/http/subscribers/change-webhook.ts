/** The change of a webhook: in D1, where it counts, and then in its lane. */
import type { z } from "@hono/zod-openapi";
import type { Config } from "../../config";
import type { SubscriptionSpec } from "../../db/subscriptions";
import {
  findWebhook,
  laneConfig,
  listWithOldSecret,
  updateWebhook,
  type Webhook,
  type WebhookChanges,
} from "../../db/webhooks";
import { RequestError } from "../../errors";
import { log } from "../../log";
import { seal, unseal, type SealedSettings } from "../../sealing";
import { newSecret } from "./new-webhook";
import { mergeHeaders } from "./custom-headers";
import { readOnlyFields, type rotationSchema, type webhookChangesSchema, webhookSpecSchema } from "./schemas";
import { parseSubscriptions } from "./subscription-rules";
import { checkVerification, parseTarget } from "./webhook-target";

/** One of several changes at the same moment always gets through, so this many may come together. */
const triesMax = 10;

/** A change of the right form, with its URL and subscriptions understood. */
type ParsedChanges = {
  plain: Omit<WebhookChanges, "sealed">;
  /** From the sealed settings as they are to those as they shall be; null when they stay. */
  reseal: ((settings: SealedSettings) => SealedSettings) | null;
  subscriptions?: SubscriptionSpec[];
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
  await apply(env, config, uuid, await parseChanges(spec, config));
}

/**
 * Gives a webhook a new secret; the one before it signs too, for the grace period.
 * @returns until when it does, in ms, or null.
 * @throws {RequestError} 404 when there is no such webhook; 409 as above.
 */
export async function rotateSecret(
  env: Env,
  config: Config,
  uuid: string,
  { secret, grace_period_s }: z.output<typeof rotationSchema>,
): Promise<number | null> {
  if ((await findWebhook(env, uuid)) === null) {
    throw new RequestError(404, `Subscriber ${uuid} does not exist.`);
  }
  const until = grace_period_s === 0 ? null : Date.now() + grace_period_s * 1000;
  const next = secret || newSecret();
  await apply(env, config, uuid, {
    plain: { previousSecretUntil: until },
    reseal: (settings) => ({
      ...withoutPrevious(settings),
      secret: next,
      ...(until !== null && { previous: { secret: settings.secret, until } }),
    }),
  });
  return until;
}

/**
 * Seals a webhook's settings anew, with the first key. Its version is raised, so that its lane takes them too.
 * @throws {ConfigurationError} when no key opens them.
 */
export async function resealWebhook(env: Env, config: Config, uuid: string): Promise<void> {
  await apply(env, config, uuid, { plain: {}, reseal: (settings) => settings });
}

/** Removes secrets whose grace period is over, for cron. */
export async function dropOldSecrets(env: Env, config: Config, now: number): Promise<void> {
  for (const uuid of await listWithOldSecret(env, now)) {
    await apply(env, config, uuid, {
      plain: { previousSecretUntil: null },
      reseal: withoutPrevious,
    });
  }
}

function withoutPrevious(settings: SealedSettings): SealedSettings {
  const { previous: _previous, ...kept } = settings;
  return kept;
}

/** Changes a webhook as it is at the moment, again and again until nobody else has in between. */
async function apply(env: Env, config: Config, uuid: string, changes: ParsedChanges): Promise<void> {
  const { encryptionKeys } = config;
  for (let tries = 0; tries < triesMax; tries++) {
    const read = await findWebhook(env, uuid);
    if (read === null) throw new RequestError(400, `Webhook ${uuid} does not exist.`);
    checkVerification(changes.plain.origin ?? read.origin, changes.plain.verifySsl ?? read.verifySsl);
    const row: WebhookChanges = { ...changes.plain };
    if (changes.reseal !== null) {
      const settings = changes.reseal(await unseal(encryptionKeys, uuid, read.sealed));
      row.sealed = await seal(encryptionKeys, uuid, settings);
      row.headerNames = Object.keys(settings.headers ?? {});
    }
    const changed = await updateWebhook(env, read, row, changes.subscriptions);
    if (changed !== null) return configureLane(env, changed);
  }
  throw new RequestError(409, `Webhook ${uuid} is being changed by others at the same time. Try again.`);
}

/** The names of the fields that a change sets. */
export function changedFields(spec: z.output<typeof webhookChangesSchema>): string[] {
  const set = Object.entries(spec).filter(([, value]) => (value ?? null) !== null);
  return set.map(([name]) => name).filter((name) => !(name in readOnlyFields));
}

async function parseChanges(
  spec: z.output<typeof webhookChangesSchema>,
  config: Config,
): Promise<ParsedChanges> {
  if (changedFields(spec).length === 0) {
    const names = Object.keys(webhookSpecSchema.shape).filter((name) => !(name in readOnlyFields));
    throw new RequestError(400, `Nothing to change: send at least one of ${names.join(", ")}.`);
  }
  const { url, secret, headers, subscriptions, ...fields } = spec;
  const target = typeof url === "string" ? await parseTarget(url, config) : undefined;
  const isResealed = target !== undefined || typeof secret === "string" || !!headers;
  return {
    plain: {
      name: fields.name ?? undefined,
      origin: target?.origin,
      verifySsl: fields.verify_ssl ?? undefined,
      contentType: fields.content_type ?? undefined,
      ordering: fields.ordering ?? undefined,
      retryMaxAttempts: fields.retry?.max_attempts ?? undefined,
      retryMaxAgeS: fields.retry?.max_age_s ?? undefined,
      timeoutS: fields.timeout_s ?? undefined,
      rateLimitPerS: fields.rate_limit_per_s ?? undefined,
      // A secret that is replaced without a rotation ends the one before it, too.
      ...(typeof secret === "string" && { previousSecretUntil: null }),
    },
    reseal: isResealed ? (settings) => changeSettings(settings, { target, secret, headers }) : null,
    subscriptions: subscriptions ? parseSubscriptions(subscriptions) : undefined,
  };
}

function changeSettings(
  { previous, ...settings }: SealedSettings,
  {
    target,
    secret,
    headers,
  }: { target?: URL; secret?: string | null; headers?: Record<string, string> | null },
): SealedSettings {
  return {
    ...settings,
    ...(target && { url: target.href }),
    ...(typeof secret === "string" ? { secret: secret || newSecret() } : previous && { previous }),
    ...(headers && { headers: mergeHeaders(settings.headers ?? {}, headers) }),
  };
}

/** The lane reads its own row in D1 anyway: telling it only makes the change hold at once. */
async function configureLane(env: Env, webhook: Webhook): Promise<void> {
  try {
    await env.LANES.get(env.LANES.idFromName(webhook.uuid)).configure(laneConfig(webhook));
  } catch (error) {
    log("warn", "lane not told of a change", { webhook: webhook.uuid, error: String(error) });
  }
}
