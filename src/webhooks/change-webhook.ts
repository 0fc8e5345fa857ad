/** Changes of a webhook's configuration: first in D1, which is the source of truth, then in its lane. */
import type { z } from "@hono/zod-openapi";
import type { Config } from "../platform/config";
import type { SubscriptionSpec } from "./subscriptions";
import {
  findWebhook,
  listWithExpiredSecret,
  updateWebhook,
  type Webhook,
  type WebhookChanges,
} from "./webhooks";
import { FieldError, RequestError } from "../platform/errors";
import { encryptSettings, decryptSettings, type SecretSettings } from "../platform/encryption";
import { audit } from "../db/audit";
import { type GeneratedSecret, newSecret } from "./create-webhook";
import { maskHeaders, mergeHeaders } from "./custom-headers";
import { checkDigest } from "./digest-rules";
import { mergeFormatSettings, type SentFormatSettings } from "./format-settings";
import { readOnlyFields, type rotationSchema, type webhookChangesSchema, webhookSpecSchema } from "./schemas";
import type { Operation } from "./operation";
import { parseSubscriptions } from "./subscription-rules";
import { routeOf } from "../send/sender";
import { type ParsedTarget, parseTarget } from "./webhook-target";
import { configureLane } from "./configure-lane";

/**
 * How often a change is tried when concurrent changes conflict. One of them always succeeds, so that this many can be
 * concurrent.
 */
const triesMax = 10;

/** A validated change, with its URL and subscriptions parsed. */
type ParsedChanges = {
  /** The columns that are not encrypted. */
  plain: Omit<WebhookChanges, "encryptedSettings">;
  /** Makes the new secret settings from the current ones and their row; null when they do not change. */
  updateSettings: ((settings: SecretSettings, read: Webhook) => SecretSettings) | null;
  subscriptions?: SubscriptionSpec[];
};

/**
 * Settings that can be reset to their defaults. They are listed in a field of their own, because null means "unchanged"
 * in a change.
 */
export type ResettableField = "max_attempts" | "max_age_s" | "timeout_s" | "rate_limit_per_s";

/**
 * A validated change, and the settings to reset. `shownOrigin`: the origin of the URL that the form showed. New header
 * values and format options without a new URL are meant for that origin. Absent when no URL was shown.
 */
type Change = {
  spec: z.output<typeof webhookChangesSchema>;
  reset?: readonly ResettableField[];
  shownOrigin?: string;
};

/** The message for a change of a webhook that somebody else has changed since the form was opened. */
export const changeConflictMessage =
  "Somebody else has changed this webhook since you opened the form. Save again to replace their changes with yours.";

/**
 * Changes a webhook and audits it. On return the change is in D1, and the lane has it or reads it before its next
 * attempt.
 * @returns the generated secret when the change has an empty one.
 * @throws {RequestError} 400 when the change is empty or not valid, or the webhook does not exist; 409 when too many
 *   other changes are made at the same time.
 */
export async function changeWebhook(
  operation: Operation,
  uuid: string,
  change: Change,
): Promise<GeneratedSecret> {
  const { env, config, actor } = operation;
  const generatedSecret = change.spec.secret === "" ? newSecret() : null;
  const spec = generatedSecret === null ? change.spec : { ...change.spec, secret: generatedSecret };
  const origins = await apply(operation, uuid, await parseChanges({ ...change, spec }, config));
  await audit(env, actor, { action: "webhook.updated", target: uuid, detail: changeText(change, origins) });
  return { generatedSecret };
}

/**
 * Applies a change to a webhook without storing it.
 * @param read the stored webhook.
 * @returns the webhook and its decrypted settings as they would be after the change.
 * @throws {RequestError} 400 when the change is empty or not valid.
 */
export async function previewChange(
  { config }: Pick<Operation, "config">,
  read: Webhook,
  change: Change,
): Promise<{ webhook: Webhook; settings: SecretSettings }> {
  const { plain, updateSettings } = await parseChanges(change, config);
  const webhook: Webhook = { ...read, ...definedIn(plain) };
  const stored = await decryptSettings(config.encryptionKeys, read.uuid, read.encryptedSettings);
  const settings = updateSettings === null ? stored : updateSettings(stored, read);
  checkStoredRoute(webhook, settings, config);
  checkDigest({ ...webhook, url: settings.url });
  return { webhook, settings };
}

/**
 * Gives a webhook a new secret. The previous one also signs until the end of the grace period.
 * @returns `until`: the end of the grace period in ms; null when there is none.
 * @throws {RequestError} 404 when the webhook does not exist; 409 when too many other changes are made at the same
 *   time.
 */
export async function rotateSecret(
  operation: Operation,
  uuid: string,
  { secret, grace_period_s, hub }: z.output<typeof rotationSchema>,
): Promise<{ until: number | null } & GeneratedSecret> {
  const { env, actor } = operation;
  if ((await findWebhook(env, uuid)) === null) {
    throw new RequestError(404, `Subscriber ${uuid} does not exist.`);
  }
  const now = Date.now();
  const until = grace_period_s === 0 ? null : now + grace_period_s * 1000;
  const next = secret || newSecret();
  await apply(operation, uuid, {
    plain: { previousSecretUntil: until },
    updateSettings: (settings) => {
      // When a request is repeated, the current secret is already the new one, and must not replace the previous one.
      const before = settings.secret === next ? settings.previous?.secret : settings.secret;
      if (until === null || before === undefined) return { ...withoutPrevious(settings), secret: next };
      const hubSecret = hub === "previous" ? hubSecretOf(settings, now) : undefined;
      const previous = { secret: before, until, ...(hubSecret !== undefined && { hubSecret }) };
      return { ...settings, secret: next, previous };
    },
  });
  await audit(env, actor, { action: "webhook.secret_rotated", target: uuid });
  return { until, generatedSecret: secret ? null : next };
}

/**
 * @returns the secret that signs `X-Hub-Signature` at `now` (ms). Another rotation does not replace it, because the
 *   receiver has not changed it yet.
 */
function hubSecretOf({ secret, previous }: SecretSettings, now: number): string {
  return previous !== undefined && now < previous.until ? (previous.hubSecret ?? secret) : secret;
}

/**
 * Encrypts a webhook's settings again, with the first key. This raises the version, so that the lane takes the settings
 * over.
 * @throws {ConfigurationError} when no key decrypts them.
 */
export async function reencryptWebhook(operation: Omit<Operation, "actor">, uuid: string): Promise<void> {
  await apply(operation, uuid, { plain: {}, updateSettings: (settings) => settings });
}

/** Removes previous secrets whose grace period is over, at most 100 per call. For cron. @param now in ms. */
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

/** The origin of a webhook's URL before and after a change. */
type Origins = { before: string; after: string };

/** Applies a change to the current row, and retries when another request has changed the row in between. */
async function apply(
  { env, config }: Omit<Operation, "actor">,
  uuid: string,
  changes: ParsedChanges,
): Promise<Origins> {
  const { encryptionKeys } = config;
  for (let tries = 0; tries < triesMax; tries++) {
    const read = await findWebhook(env, uuid);
    if (read === null) throw new RequestError(400, `Webhook ${uuid} does not exist.`);
    const row: WebhookChanges = { ...changes.plain };
    if (changes.updateSettings !== null || changesRoute(changes) || changesDigest(changes)) {
      const stored = await decryptSettings(encryptionKeys, uuid, read.encryptedSettings);
      const settings = changes.updateSettings?.(stored, read) ?? stored;
      const after = { ...read, ...definedIn(row) };
      if (changesRoute(changes)) checkStoredRoute(after, settings, config);
      if (changesDigest(changes)) checkDigest({ ...after, url: settings.url });
      if (changes.updateSettings !== null) {
        row.encryptedSettings = await encryptSettings(encryptionKeys, uuid, settings);
        row.headerNames = Object.keys(settings.headers ?? {});
        row.formatOptionNames = Object.keys(settings.formatOptions ?? {});
      }
    }
    const changed = await updateWebhook(env, read, row, changes.subscriptions);
    if (changed === null) continue;
    await configureLane(env, changed);
    return { before: read.origin, after: changed.origin };
  }
  throw new RequestError(409, `Webhook ${uuid} is being changed by others at the same time. Try again.`);
}

/**
 * Whether a change concerns the route to the target. Other changes are possible even if the webhook's egress was
 * removed from the deployment.
 */
function changesRoute({ plain }: ParsedChanges): boolean {
  return plain.origin !== undefined || plain.verifySsl !== undefined || plain.egress !== undefined;
}

/**
 * Whether a change concerns the digest. Other changes are possible even if this version of the gateway recognises
 * another service in the URL, which allows no digest.
 */
function changesDigest({ plain }: ParsedChanges): boolean {
  const { digestS, ordering, format, contentType, origin } = plain;
  return [digestS, ordering, format, contentType, origin].some((one) => one !== undefined);
}

/** @throws {FieldError} when neither `fetch` nor an egress can reach the webhook's target with these settings. */
function checkStoredRoute(
  { verifySsl, egress }: Pick<Webhook, "verifySsl" | "egress">,
  settings: SecretSettings,
  config: Config,
): void {
  const route = routeOf({ settings, verifySsl, egress }, config);
  if (route.kind === "refused") throw new FieldError(route.field, route.reason);
}

function definedIn<Row extends object>(row: Row): Partial<Row> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)) as Partial<Row>;
}

/** @returns the changed fields, for the audit log: `url (https://old.example → https://new.example), secret`. */
function changeText(change: Change, { before, after }: Origins): string {
  const moved = before === after ? "url" : `url (${before} → ${after})`;
  const fields = changedFields(change).map((field) => (field === "url" ? moved : field));
  return fields.join(", ");
}

/** @returns the names of the fields that a change sets or resets. */
function changedFields({ spec, reset = [] }: Change): string[] {
  const set = Object.entries(spec).filter(
    ([name, value]) => (value ?? null) !== null || (name === "format_options" && value === null),
  );
  const names = set.map(([name]) => name).filter((name) => !(name in readOnlyFields));
  return [...names, ...reset];
}

async function parseChanges(change: Change, config: Config): Promise<ParsedChanges> {
  const { spec, reset = [], shownOrigin } = change;
  if (changedFields(change).length === 0) {
    const names = Object.keys(webhookSpecSchema.shape).filter((name) => !(name in readOnlyFields));
    throw new RequestError(400, `Nothing to change: send at least one of ${names.join(", ")}.`);
  }
  const { url, secret, headers, subscriptions, format_options, template, ...fields } = spec;
  const target = typeof url === "string" ? await parseTarget(url, config) : undefined;
  const nullIfReset = (name: ResettableField): null | undefined => (reset.includes(name) ? null : undefined);
  const plain = {
    name: fields.name ?? undefined,
    origin: target?.url.origin,
    verifySsl: fields.verify_ssl ?? undefined,
    contentType: fields.content_type ?? undefined,
    ordering: fields.ordering ?? undefined,
    retryMaxAttempts: fields.retry?.max_attempts ?? nullIfReset("max_attempts"),
    retryMaxAgeS: fields.retry?.max_age_s ?? nullIfReset("max_age_s"),
    timeoutS: fields.timeout_s ?? nullIfReset("timeout_s"),
    rateLimitPerS: fields.rate_limit_per_s ?? nullIfReset("rate_limit_per_s"),
    digestS: typeof fields.digest_s === "number" ? fields.digest_s || null : undefined,
    // An empty name restores the automatic choice.
    egress: typeof fields.egress === "string" ? fields.egress || null : undefined,
    format: fields.format ?? undefined,
    // Replacing the secret without a rotation also ends the previous secret.
    ...(typeof secret === "string" && { previousSecretUntil: null }),
  };
  const changesFormat =
    plain.format !== undefined ||
    plain.contentType !== undefined ||
    format_options !== undefined ||
    !!template;
  const changesSettings = target !== undefined || typeof secret === "string" || !!headers || changesFormat;
  return {
    plain,
    updateSettings: changesSettings
      ? (settings, read) => ({
          ...changeSettings(settings, {
            target,
            secret,
            headers,
            // New credentials without a URL are meant for the URL that was shown.
            shownOrigin: headers || format_options ? shownOrigin : undefined,
          }),
          ...changeFormat(settings, read, {
            plain,
            target: target?.url,
            sent: { formatOptions: format_options, template },
          }),
        })
      : null,
    subscriptions: subscriptions ? parseSubscriptions(subscriptions) : undefined,
  };
}

/**
 * Applies a change to the secret settings, except those of the format. Stored header values are sent only to the origin
 * that they were entered for: otherwise, anyone who may change the URL could have them sent to a server of their own.
 * The secret is kept for any URL, because it is never sent, and anyone who may change the webhook can have deliveries
 * signed anyway.
 * @throws {FieldError} when stored header values would be sent to another origin.
 * @throws {RequestError} 409 when new values are meant for `shownOrigin`, and the webhook has another origin now.
 */
function changeSettings(
  {
    previous,
    headers: stored,
    isPrivate: wasPrivate,
    formatOptions: _options,
    template: _template,
    ...settings
  }: SecretSettings,
  {
    target,
    secret,
    headers,
    shownOrigin,
  }: {
    target?: ParsedTarget;
    secret?: string | null;
    headers?: Record<string, string> | null;
    shownOrigin?: string;
  },
): SecretSettings {
  const { origin } = new URL(settings.url);
  if (target === undefined && shownOrigin !== undefined && shownOrigin !== origin) {
    throw new RequestError(409, changeConflictMessage);
  }
  const staysAtOrigin = target === undefined || target.url.origin === origin;
  const isPrivate = target === undefined ? wasPrivate : target.resolved !== null;
  const wanted = headers ?? (stored && maskHeaders(Object.keys(stored)));
  return {
    ...settings,
    ...(target && { url: target.url.href }),
    ...(isPrivate && { isPrivate }),
    ...(typeof secret === "string" ? { secret: secret || newSecret() } : previous && { previous }),
    ...(wanted && { headers: mergeHeaders((staysAtOrigin && stored) || {}, wanted) }),
  };
}

/** Applies a change to the settings of the format. @throws {FieldError} from `mergeFormatSettings`. */
function changeFormat(
  stored: SecretSettings,
  read: Webhook,
  { plain, target, sent }: { plain: ParsedChanges["plain"]; target?: URL; sent: SentFormatSettings },
): Pick<SecretSettings, "formatOptions" | "template"> {
  const before = { format: read.format, url: stored.url, contentType: read.contentType };
  const after = {
    format: plain.format ?? before.format,
    url: target?.href ?? before.url,
    contentType: plain.contentType ?? before.contentType,
  };
  return mergeFormatSettings({ stored, before, after, sent });
}
