/** `GET` and `POST /webhooks/{uuid}/edit`: edits a webhook. */
import type { Context } from "hono";
import { listSubscriptions, type Subscription } from "../../../webhooks/subscriptions";
import type { Webhook } from "../../../webhooks/webhooks";
import { RequestError } from "../../../platform/errors";
import type { PingResult } from "../../../send/ping";
import type { AppEnv } from "../../../auth/app-env";
import type { Router } from "../../../http/router";
import { changeConflictMessage, changeWebhook, previewChange } from "../../../webhooks/change-webhook";
import { pingWebhook } from "../../../webhooks/ping-webhook";
import { webhookChangesSchema } from "../../../webhooks/schemas";
import { operationOf } from "../../../auth/operation";
import { decryptSettings } from "../../../platform/encryption";
import { signedIn } from "../../current-user";
import { backTo, type Outcome } from "../../parts/outcome";
import { readForm } from "../../parts/read-form";
import { webhookInPath } from "../path-params";
import { webhookPath } from "../names-and-paths";
import { showForm, handleForm } from "./handle-form";
import type { Purpose } from "./form-page";
import { changeOf } from "./values-to-spec";
import { textOf, type FormValues, valuesForStored } from "./form-values";

/** A stored webhook with its subscriptions. */
type Stored = { webhook: Webhook; subscriptions: Subscription[] };

/** Adds the page and its form to `router`. */
export function editWebhookForm(router: Router): void {
  router.get("/webhooks/:uuid/edit", signedIn("webhooks:write"), async (c) => {
    const stored = await read(c);
    return showForm(c, await purposeOf(c, stored), valuesForStored(stored.webhook, stored.subscriptions));
  });

  router.post("/webhooks/:uuid/edit", signedIn("webhooks:write"), async (c) => {
    const stored = await read(c);
    const form = await readForm(c);
    const now = await purposeOf(c, stored);
    // The form keeps the version that the user saw until it is saved or rejected.
    const purpose = { ...now, seen: textOf(form, "seen") };
    return handleForm(c, purpose, form, {
      save: (values) => save(c, purpose, stored, values),
      ping: (values) => ping(c, purpose, stored, values),
    });
  });
}

async function read(c: Context<AppEnv>): Promise<Stored> {
  const webhook = await webhookInPath(c);
  return { webhook, subscriptions: await listSubscriptions(c.env, webhook.uuid) };
}

async function purposeOf(c: Context<AppEnv>, stored: Stored): Promise<Purpose> {
  const { webhook } = stored;
  const { url } = await decryptSettings(
    operationOf(c).config.encryptionKeys,
    webhook.uuid,
    webhook.encryptedSettings,
  );
  return { uuid: webhook.uuid, webhook, seen: await versionHash(stored), storedUrl: url };
}

async function save(
  c: Context<AppEnv>,
  purpose: Purpose,
  stored: Stored,
  values: FormValues,
): Promise<Response> {
  const { webhook, subscriptions } = stored;
  const change = changeOf(values, webhook, subscriptions);
  const saved: Outcome = { tone: "good", text: "Saved. Changes apply from the next attempt." };
  const now = await versionHash(stored);
  if (purpose.seen !== now) {
    // The same form was submitted twice: the first submission changed the version.
    if (change === null || (await isStored(c, webhook, change)))
      return backTo(c, webhookPath(webhook), saved);
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
  webhook: Webhook,
  { spec, reset }: NonNullable<ReturnType<typeof changeOf>>,
): Promise<boolean> {
  if (spec["subscriptions"] !== undefined) return false;
  const wanted = await previewChange(operationOf(c), webhook, {
    spec: webhookChangesSchema.parse(spec),
    reset,
  });
  const { url, secret, headers } = await decryptSettings(
    operationOf(c).config.encryptionKeys,
    webhook.uuid,
    webhook.encryptedSettings,
  );
  return (
    JSON.stringify(wanted.webhook) === JSON.stringify(webhook) &&
    wanted.settings.url === url &&
    wanted.settings.secret === secret &&
    JSON.stringify(wanted.settings.headers ?? {}) === JSON.stringify(headers ?? {})
  );
}

/**
 * Tests the webhook as it would be after saving; subscriptions do not matter. Header values were entered for the URL
 * that the form showed: they are not sent to a URL that someone else has set since.
 */
async function ping(
  c: Context<AppEnv>,
  { seen }: Purpose,
  stored: Stored,
  values: FormValues,
): Promise<PingResult> {
  const { webhook, subscriptions } = stored;
  const { groups } = valuesForStored(webhook, subscriptions);
  const change = changeOf({ ...values, groups }, webhook, subscriptions);
  if (change === null) return pingWebhook(operationOf(c), webhook);
  const spec = webhookChangesSchema.parse(change.spec);
  if (spec.headers && !spec.url && seen !== (await versionHash(stored))) {
    throw new RequestError(409, changeConflictMessage);
  }
  const tried = await previewChange(operationOf(c), webhook, { ...change, spec });
  return pingWebhook(operationOf(c), tried.webhook, tried.settings);
}

/** A hash that differs after each change of the webhook or its subscriptions. */
async function versionHash({ webhook, subscriptions }: Stored): Promise<string> {
  const subscriptionUuids = subscriptions.map(({ uuid }) => uuid);
  const text = JSON.stringify([webhook.uuid, webhook.version, ...subscriptionUuids]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}
