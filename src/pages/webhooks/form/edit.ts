/** `GET` and `POST /webhooks/{uuid}/edit`: changes a webhook. */
import type { Context } from "hono";
import { listSubscriptions, type Subscription } from "../../../webhooks/subscriptions";
import type { Webhook } from "../../../webhooks/webhooks";
import { RequestError } from "../../../platform/errors";
import type { PingResult } from "../../../send/ping";
import type { AppEnv } from "../../../auth/app-env";
import type { Router } from "../../../http/router";
import { changedMeanwhile, changeWebhook, tryChange } from "../../../webhooks/change-webhook";
import { pingWebhook } from "../../../webhooks/ping-webhook";
import { webhookChangesSchema } from "../../../webhooks/schemas";
import { operationOf } from "../../../auth/operation";
import { decryptSettings } from "../../../platform/encryption";
import { signedIn } from "../../current-user";
import { backTo, type Outcome } from "../../parts/outcome";
import { readForm } from "../../parts/read-form";
import { webhookInPath } from "../path-params";
import { webhookPath } from "../names-and-paths";
import { showBlankForm, handleForm } from "./handle-form";
import type { Purpose } from "./form-page";
import { changeOf } from "./values-to-spec";
import { textOf, type FormValues, valuesForStored } from "./form-values";

/** A webhook as it is stored. */
type Stored = { webhook: Webhook; subscriptions: Subscription[] };

/** Adds the page and its form to `router`. */
export function editWebhookForm(router: Router): void {
  router.get("/webhooks/:uuid/edit", signedIn("webhooks:write"), async (c) => {
    const stored = await read(c);
    return showBlankForm(
      c,
      await purposeOf(c, stored),
      valuesForStored(stored.webhook, stored.subscriptions),
    );
  });

  router.post("/webhooks/:uuid/edit", signedIn("webhooks:write"), async (c) => {
    const stored = await read(c);
    const form = await readForm(c);
    const now = await purposeOf(c, stored);
    // Until it is saved or refused, the form remembers what the person saw.
    const purpose = { ...now, seen: textOf(form, "seen") };
    return handleForm(c, purpose, form, {
      save: (typed) => save(c, purpose, stored, typed),
      ping: (typed) => ping(c, purpose, stored, typed),
    });
  });
}

async function read(c: Context<AppEnv>): Promise<Stored> {
  const webhook = await webhookInPath(c);
  return { webhook, subscriptions: await listSubscriptions(c.env, webhook.uuid) };
}

async function purposeOf(c: Context<AppEnv>, stored: Stored): Promise<Purpose> {
  const { webhook } = stored;
  const { url } = await decryptSettings(operationOf(c).config.encryptionKeys, webhook.uuid, webhook.sealed);
  return { uuid: webhook.uuid, webhook, seen: await seenAs(stored), storedUrl: url };
}

async function save(
  c: Context<AppEnv>,
  purpose: Purpose,
  stored: Stored,
  typed: FormValues,
): Promise<Response> {
  const { webhook, subscriptions } = stored;
  const change = changeOf(typed, webhook, subscriptions);
  const saved: Outcome = { tone: "good", text: "Saved: it holds from the next attempt on." };
  const now = await seenAs(stored);
  if (purpose.seen !== now) {
    // The same form, sent twice: the first has changed what the person saw.
    if (change === null || (await isStored(c, webhook, change)))
      return backTo(c, webhookPath(webhook), saved);
    purpose.seen = now;
    throw new RequestError(409, changedMeanwhile);
  }
  if (change === null) return backTo(c, webhookPath(webhook), { tone: "good", text: "Nothing was changed." });
  const spec = webhookChangesSchema.parse(change.spec);
  await changeWebhook(operationOf(c), webhook.uuid, { ...change, spec, shownOrigin: webhook.origin });
  return backTo(c, webhookPath(webhook), saved);
}

/** Whether a webhook is already as a change would make it. @throws what `formErrors` explains. */
async function isStored(
  c: Context<AppEnv>,
  webhook: Webhook,
  { spec, reset }: NonNullable<ReturnType<typeof changeOf>>,
): Promise<boolean> {
  if (spec["subscriptions"] !== undefined) return false;
  const wanted = await tryChange(operationOf(c), webhook, { spec: webhookChangesSchema.parse(spec), reset });
  const { url, secret, headers } = await decryptSettings(
    operationOf(c).config.encryptionKeys,
    webhook.uuid,
    webhook.sealed,
  );
  return (
    JSON.stringify(wanted.webhook) === JSON.stringify(webhook) &&
    wanted.settings.url === url &&
    wanted.settings.secret === secret &&
    JSON.stringify(wanted.settings.headers ?? {}) === JSON.stringify(headers ?? {})
  );
}

/**
 * As the webhook would be after saving; what it hears does not matter. Header values were typed for the URL that the
 * form showed: they are not sent to one that somebody else has set since.
 */
async function ping(
  c: Context<AppEnv>,
  { seen }: Purpose,
  stored: Stored,
  typed: FormValues,
): Promise<PingResult> {
  const { webhook, subscriptions } = stored;
  const { groups } = valuesForStored(webhook, subscriptions);
  const change = changeOf({ ...typed, groups }, webhook, subscriptions);
  if (change === null) return pingWebhook(operationOf(c), webhook);
  const spec = webhookChangesSchema.parse(change.spec);
  if (spec.headers && !spec.url && seen !== (await seenAs(stored))) {
    throw new RequestError(409, changedMeanwhile);
  }
  const tried = await tryChange(operationOf(c), webhook, { ...change, spec });
  return pingWebhook(operationOf(c), tried.webhook, tried.settings);
}

/** A text that is another one after each change of the webhook or of what it hears. */
async function seenAs({ webhook, subscriptions }: Stored): Promise<string> {
  const heard = subscriptions.map(({ uuid }) => uuid);
  const text = JSON.stringify([webhook.uuid, webhook.version, ...heard]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}
