/** The change of a webhook: in D1, where it counts, and then in its lane. */
import type { z } from "@hono/zod-openapi";
import type { Config } from "../platform/config";
import type { SubscriptionSpec } from "./subscriptions";
import { laneConfigOf } from "../lane/lane-configs";
import {
  findWebhook,
  listWithExpiredSecret,
  updateWebhook,
  type Webhook,
  type WebhookChanges,
} from "./webhooks";
import { RequestError } from "../platform/errors";
import { log } from "../platform/log";
import { encryptSettings, decryptSettings, type SecretSettings } from "../platform/encryption";
import { audit } from "../db/audit";
import { newSecret } from "./create-webhook";
import { maskHeaders, mergeHeaders } from "./custom-headers";
import { readOnlyFields, type rotationSchema, type webhookChangesSchema, webhookSpecSchema } from "./schemas";
import type { Operation } from "./operation";
import { parseSubscriptions } from "./subscription-rules";
import { checkVerification, parseTarget } from "./webhook-target";

/** One of several changes at the same moment always gets through, so this many may come together. */
const triesMax = 10;

/** A change of the right form, with its URL and subscriptions understood. */
type ParsedChanges = {
  plain: Omit<WebhookChanges, "encryptedSettings">;
  /** From the encrypted settings as they are to those as they shall be; null when they stay. */
  updateSettings: ((settings: SecretSettings) => SecretSettings) | null;
  subscriptions?: SubscriptionSpec[];
};

/** Settings that can go back to the gateway's own. In a change null means "stays", so that they are named apart. */
export type ResettableField = "max_attempts" | "max_age_s" | "timeout_s" | "rate_limit_per_s";

/**
 * A change as sent in, of the right form, and which settings go back to the gateway's own. `shownOrigin`: the origin
 * that new header values are meant for when the URL stays; absent when the caller was shown none.
 */
type Change = {
  spec: z.output<typeof webhookChangesSchema>;
  reset?: readonly ResettableField[];
  shownOrigin?: string;
};

/** The answer to a change of what somebody else has changed since it was read. */
export const changeConflictMessage =
  "Somebody else has changed this webhook since you opened the form. Save again to put what you typed in place of that.";

/**
 * Changes a webhook. On return D1 has the change; its lane has it too, or takes it at its next run.
 * @throws {RequestError} 400 when there is nothing to change, no such webhook or something is wrong; 409 when
 * too many others change it at the same time.
 */
export async function changeWebhook(operation: Operation, uuid: string, change: Change): Promise<void> {
  const { env, config, actor } = operation;
  const origins = await apply(operation, uuid, await parseChanges(change, config));
  await audit(env, actor, { action: "webhook.updated", target: uuid, detail: changeText(change, origins) });
}

/**
 * What a webhook would be like after a change. Nothing is stored.
 * @throws {RequestError} 400 as above.
 */
export async function previewChange(
  { config }: Pick<Operation, "config">,
  read: Webhook,
  change: Change,
): Promise<{ webhook: Webhook; settings: SecretSettings }> {
  const { plain, updateSettings } = await parseChanges(change, config);
  const set = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
  const webhook: Webhook = { ...read, ...set };
  checkVerification(webhook.origin, webhook.verifySsl);
  const settings = await decryptSettings(config.encryptionKeys, read.uuid, read.encryptedSettings);
  return { webhook, settings: updateSettings === null ? settings : updateSettings(settings) };
}

/**
 * Gives a webhook a new secret; the one before it signs too, for the grace period.
 * @returns until when it does, in ms, or null.
 * @throws {RequestError} 404 when there is no such webhook; 409 as above.
 */
export async function rotateSecret(
  operation: Operation,
  uuid: string,
  { secret, grace_period_s }: z.output<typeof rotationSchema>,
): Promise<number | null> {
  const { env, actor } = operation;
  if ((await findWebhook(env, uuid)) === null) {
    throw new RequestError(404, `Subscriber ${uuid} does not exist.`);
  }
  const until = grace_period_s === 0 ? null : Date.now() + grace_period_s * 1000;
  const next = secret || newSecret();
  await apply(operation, uuid, {
    plain: { previousSecretUntil: until },
    updateSettings: (settings) => {
      // A repeat of the same request must not put the new one in the place of the one before.
      const before = settings.secret === next ? settings.previous?.secret : settings.secret;
      const previous = until === null || before === undefined ? undefined : { secret: before, until };
      return { ...withoutPrevious(settings), secret: next, ...(previous && { previous }) };
    },
  });
  await audit(env, actor, { action: "webhook.secret_rotated", target: uuid });
  return until;
}

/**
 * Seals a webhook's settings anew, with the first key. Its version is raised, so that its lane takes them too.
 * @throws {ConfigurationError} when no key opens them.
 */
export async function reencryptWebhook(operation: Omit<Operation, "actor">, uuid: string): Promise<void> {
  await apply(operation, uuid, { plain: {}, updateSettings: (settings) => settings });
}

/** Removes secrets whose grace period is over, for cron. */
export async function dropExpiredSecrets(operation: Omit<Operation, "actor">, now: number): Promise<void> {
  for (const uuid of await listWithExpiredSecret(operation.env, now)) {
    await apply(operation, uuid, {
      plain: { previousSecretUntil: null },
      updateSettings: withoutPrevious,
    });
  }
}

function withoutPrevious(settings: SecretSettings): SecretSettings {
  const { previous: _previous, ...kept } = settings;
  return kept;
}

/** A webhook's origin before a change and after it. */
type Origins = { before: string; after: string };

/** Changes a webhook as it is at the moment, again and again until nobody else has in between. */
async function apply(
  { env, config }: Omit<Operation, "actor">,
  uuid: string,
  changes: ParsedChanges,
): Promise<Origins> {
  const { encryptionKeys } = config;
  for (let tries = 0; tries < triesMax; tries++) {
    const read = await findWebhook(env, uuid);
    if (read === null) throw new RequestError(400, `Webhook ${uuid} does not exist.`);
    checkVerification(changes.plain.origin ?? read.origin, changes.plain.verifySsl ?? read.verifySsl);
    const row: WebhookChanges = { ...changes.plain };
    if (changes.updateSettings !== null) {
      const settings = changes.updateSettings(
        await decryptSettings(encryptionKeys, uuid, read.encryptedSettings),
      );
      row.encryptedSettings = await encryptSettings(encryptionKeys, uuid, settings);
      row.headerNames = Object.keys(settings.headers ?? {});
    }
    const changed = await updateWebhook(env, read, row, changes.subscriptions);
    if (changed === null) continue;
    await configureLane(env, changed);
    return { before: read.origin, after: changed.origin };
  }
  throw new RequestError(409, `Webhook ${uuid} is being changed by others at the same time. Try again.`);
}

/** What a change sets, for the audit log: `url (https://old.example → https://new.example), secret`. */
function changeText(change: Change, { before, after }: Origins): string {
  const moved = before === after ? "url" : `url (${before} → ${after})`;
  const fields = changedFields(change).map((field) => (field === "url" ? moved : field));
  return fields.join(", ");
}

/** The names of the fields that a change sets. */
function changedFields({ spec, reset = [] }: Change): string[] {
  const set = Object.entries(spec).filter(([, value]) => (value ?? null) !== null);
  const names = set.map(([name]) => name).filter((name) => !(name in readOnlyFields));
  return [...names, ...reset];
}

async function parseChanges(change: Change, config: Config): Promise<ParsedChanges> {
  const { spec, reset = [], shownOrigin } = change;
  if (changedFields(change).length === 0) {
    const names = Object.keys(webhookSpecSchema.shape).filter((name) => !(name in readOnlyFields));
    throw new RequestError(400, `Nothing to change: send at least one of ${names.join(", ")}.`);
  }
  const { url, secret, headers, subscriptions, ...fields } = spec;
  const target = typeof url === "string" ? await parseTarget(url, config) : undefined;
  const ownOf = (name: ResettableField): null | undefined => (reset.includes(name) ? null : undefined);
  const changesSettings = target !== undefined || typeof secret === "string" || !!headers;
  return {
    plain: {
      name: fields.name ?? undefined,
      origin: target?.origin,
      verifySsl: fields.verify_ssl ?? undefined,
      contentType: fields.content_type ?? undefined,
      ordering: fields.ordering ?? undefined,
      retryMaxAttempts: fields.retry?.max_attempts ?? ownOf("max_attempts"),
      retryMaxAgeS: fields.retry?.max_age_s ?? ownOf("max_age_s"),
      timeoutS: fields.timeout_s ?? ownOf("timeout_s"),
      rateLimitPerS: fields.rate_limit_per_s ?? ownOf("rate_limit_per_s"),
      // A secret that is replaced without a rotation ends the one before it, too.
      ...(typeof secret === "string" && { previousSecretUntil: null }),
    },
    updateSettings: changesSettings
      ? (settings) => changeSettings(settings, { target, secret, headers, shownOrigin })
      : null,
    subscriptions: subscriptions ? parseSubscriptions(subscriptions) : undefined,
  };
}

/**
 * Stored header values stay with the origin that they were given for: at another one they could be read by whoever
 * may change the URL. The secret stays whatever the URL: it is not sent, and whoever may change the webhook can have
 * deliveries signed in any case.
 * @throws {FieldError} when header values would have to go along to another origin.
 * @throws {RequestError} 409 when new header values are meant for another origin than the webhook now has.
 */
function changeSettings(
  { previous, headers: stored, ...settings }: SecretSettings,
  {
    target,
    secret,
    headers,
    shownOrigin,
  }: {
    target?: URL;
    secret?: string | null;
    headers?: Record<string, string> | null;
    shownOrigin?: string;
  },
): SecretSettings {
  const { origin } = new URL(settings.url);
  if (headers && target === undefined && shownOrigin !== undefined && shownOrigin !== origin) {
    throw new RequestError(409, changeConflictMessage);
  }
  const staysAtOrigin = target === undefined || target.origin === origin;
  const wanted = headers ?? (stored && maskHeaders(Object.keys(stored)));
  return {
    ...settings,
    ...(target && { url: target.href }),
    ...(typeof secret === "string" ? { secret: secret || newSecret() } : previous && { previous }),
    ...(wanted && { headers: mergeHeaders((staysAtOrigin && stored) || {}, wanted) }),
  };
}

/** Events bring a change along, and a lane reads its row before a retry: telling it only makes the change hold at once. */
async function configureLane(env: Env, webhook: Webhook): Promise<void> {
  try {
    await env.LANES.get(env.LANES.idFromName(webhook.uuid)).configure(laneConfigOf(webhook));
  } catch (error) {
    log("warn", "lane not told of a change", { webhook: webhook.uuid, error: String(error) });
  }
}
