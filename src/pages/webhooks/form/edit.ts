/** `GET` and `POST /webhooks/{uuid}/edit`: edits a webhook. */
import type { Context } from "hono";
import { listSubscriptions } from "../../../webhooks/subscriptions";
import { RequestError } from "../../../platform/errors";
import type { AppEnv } from "../../../auth/app-env";
import type { Router } from "../../../http/router";
import { changeConflictMessage, changeWebhook, previewChange } from "../../../webhooks/change-webhook";
import { pingWebhook, type WebhookPing } from "../../../webhooks/ping-webhook";
import { webhookChangesSchema } from "../../../webhooks/schemas";
import { operationOf } from "../../../auth/operation";
import { decryptSettings, type SecretSettings } from "../../../platform/encryption";
import { signedIn } from "../../current-user";
import { backTo, type Outcome } from "../../parts/outcome";
import { readForm } from "../../parts/read-form";
import { webhookInPath } from "../path-params";
import { webhookPath } from "../names-and-paths";
import { showForm, handleForm } from "./handle-form";
import type { Purpose } from "./form-page";
import { changeOf } from "./values-to-spec";
import { textOf, type FormValues, type StoredWebhook, valuesForStored } from "./form-values";

/** Adds the page and its form to `router`. */
export function editWebhookForm(router: Router): void {
  router.get("/webhooks/:uuid/edit", signedIn("webhooks:write"), async (c) => {
    const stored = await read(c);
    return showForm(c, await purposeOf(stored), valuesForStored(stored));
  });

  router.post("/webhooks/:uuid/edit", signedIn("webhooks:write"), async (c) => {
    const stored = await read(c);
    const form = await readForm(c);
    const now = await purposeOf(stored);
    // The form keeps the version that the user saw until it is saved or rejected.
    const purpose = { ...now, seen: textOf(form, "seen") };
    return handleForm(c, purpose, form, {
      save: (values) => save(c, purpose, stored, values),
      ping: (values) => ping(c, purpose, stored, values),
    });
  });
}

async function read(c: Context<AppEnv>): Promise<StoredWebhook> {
  const webhook = await webhookInPath(c);
  const { encryptionKeys } = operationOf(c).config;
  return {
    webhook,
    subscriptions: await listSubscriptions(c.env, webhook.uuid),
    settings: await decryptSettings(encryptionKeys, webhook.uuid, webhook.encryptedSettings),
  };
}

async function purposeOf(stored: StoredWebhook): Promise<Purpose> {
  const { webhook } = stored;
  return { uuid: webhook.uuid, webhook, seen: await versionHash(stored), stored: stored.settings };
}

async function save(
  c: Context<AppEnv>,
  purpose: Purpose,
  stored: StoredWebhook,
  values: FormValues,
): Promise<Response> {
  const { webhook } = stored;
  const change = changeOf(values, stored);
  const saved: Outcome = { tone: "good", text: "Saved. Changes apply from the next attempt." };
  const now = await versionHash(stored);
  if (purpose.seen !== now) {
    // The same form was submitted twice: the first submission changed the version.
    if (change === null || (await isStored(c, stored, change))) return backTo(c, webhookPath(webhook), saved);
    purpose.seen = now;
    throw new RequestError(409, changeConflictMessage);
  }
  if (change === null) return backTo(c, webhookPath(webhook), { tone: "good", text: "Nothing was changed." });
  const spec = webhookChangesSchema.parse(change.spec);
  await changeWebhook(operationOf(c), webhook.uuid, { ...change, spec, shownOrigin: webhook.origin });
  return backTo(c, webhookPath(webhook), saved);
}

/** Whether the webhook already equals the result of a change. @throws like `Actions.save`. */
async function isStored(
  c: Context<AppEnv>,
  { webhook, settings }: StoredWebhook,
  { spec, reset }: NonNullable<ReturnType<typeof changeOf>>,
): Promise<boolean> {
  if (spec["subscriptions"] !== undefined) return false;
  const wanted = await previewChange(operationOf(c), webhook, {
    spec: webhookChangesSchema.parse(spec),
    reset,
  });
  return (
    JSON.stringify(wanted.webhook) === JSON.stringify(webhook) &&
    JSON.stringify(comparable(wanted.settings)) === JSON.stringify(comparable(settings))
  );
}

/** @returns the settings that the form can change, in a fixed order. */
function comparable({ url, secret, headers = {}, formatOptions = {}, template }: SecretSettings): unknown[] {
  return [
    url,
    secret,
    headers,
    Object.keys(formatOptions)
      .toSorted()
      .map((name) => [name, formatOptions[name]]),
    template,
  ];
}

/**
 * Tests the webhook as it would be after saving, without regard to subscriptions. Header values and options were
 * entered for the URL that the form showed, so that they are not sent to a URL that someone else has set since.
 */
async function ping(
  c: Context<AppEnv>,
  { seen }: Purpose,
  stored: StoredWebhook,
  values: FormValues,
): Promise<WebhookPing> {
  const { webhook } = stored;
  const { groups } = valuesForStored(stored);
  const change = changeOf({ ...values, groups }, stored);
  if (change === null) return pingWebhook(operationOf(c), webhook);
  const spec = webhookChangesSchema.parse(change.spec);
  if ((spec.headers || spec.format_options) && !spec.url && seen !== (await versionHash(stored))) {
    throw new RequestError(409, changeConflictMessage);
  }
  const tried = await previewChange(operationOf(c), webhook, { ...change, spec });
  return pingWebhook(operationOf(c), tried.webhook, tried.settings);
}

/** A hash that differs after each change of the webhook or its subscriptions. */
async function versionHash({ webhook, subscriptions }: StoredWebhook): Promise<string> {
  const subscriptionUuids = subscriptions.map(({ uuid }) => uuid);
  const text = JSON.stringify([webhook.uuid, webhook.version, ...subscriptionUuids]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}
