/** `GET` and `POST /webhooks/new`: creates a webhook. */
import type { Context } from "hono";
import { findWebhook } from "../../../webhooks/webhooks";
import { RequestError } from "../../../platform/errors";
import type { AppEnv } from "../../../auth/app-env";
import type { Router } from "../../../http/router";
import { operationOf } from "../../../auth/operation";
import { createWebhook, newSecret } from "../../../webhooks/create-webhook";
import { pingNewWebhook } from "../../../webhooks/ping-webhook";
import { pingSpecSchema, webhookSpecSchema } from "../../../webhooks/schemas";
import { signedIn } from "../../current-user";
import { askLane } from "../../parts/ask-lane";
import { backTo } from "../../parts/outcome";
import { readForm } from "../../parts/read-form";
import { nameOf, webhookPath } from "../names-and-paths";
import { showForm, handleForm } from "./handle-form";
import type { Purpose } from "./form-page";
import { specOf } from "./values-to-spec";
import { textOf, type FormValues, valuesForNew } from "./form-values";

const uuidV4Pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Adds the page and its form to `router`. */
export function newWebhookForm(router: Router): void {
  router.get("/webhooks/new", signedIn("webhooks:write"), (c) =>
    showForm(c, purposeOf(crypto.randomUUID()), valuesForNew(newSecret())),
  );

  router.post("/webhooks/new", signedIn("webhooks:write"), async (c) => {
    const form = await readForm(c);
    const uuid = textOf(form, "uuid");
    const purpose = purposeOf(uuidV4Pattern.test(uuid) ? uuid : crypto.randomUUID());
    return handleForm(c, purpose, form, {
      save: (values) => save(c, purpose, values),
      ping: (values) =>
        pingNewWebhook(operationOf(c), pingSpecSchema.parse({ ...specOf(values), subscriptions: null })),
    });
  });
}

function purposeOf(uuid: string): Purpose {
  return { uuid, webhook: null, seen: null, stored: null };
}

/** The form contains the webhook's uuid, so that submitting it twice creates one webhook. */
async function save(c: Context<AppEnv>, purpose: Purpose, values: FormValues): Promise<Response> {
  const { uuid } = purpose;
  if ((await findWebhook(c.env, uuid)) !== null) return alreadyCreated(c, uuid);
  const spec = webhookSpecSchema.parse(specOf(values));
  await rejectDeleted(c.env, purpose);
  try {
    const { stored, subscriptions } = await createWebhook(operationOf(c), spec, uuid);
    const text = `Webhook “${nameOf(stored)}” created.`;
    return subscriptions.length > 0
      ? backTo(c, webhookPath(stored), { tone: "good", text })
      : backTo(c, webhookPath(stored), {
          tone: "warn",
          text: `${text} It has no subscriptions yet: edit it to select events.`,
        });
  } catch (error) {
    // The same form was submitted concurrently and won.
    if ((await findWebhook(c.env, uuid)) !== null) return alreadyCreated(c, uuid);
    throw error;
  }
}

function alreadyCreated(c: Context<AppEnv>, uuid: string): Response {
  const text = "This form already created the webhook. Edit the webhook to change it.";
  return backTo(c, webhookPath({ uuid }), { tone: "good", text });
}

/** Rejects the uuid of a deleted webhook: its lane stays closed for a while and would deliver nothing. */
async function rejectDeleted(env: Env, purpose: Purpose): Promise<void> {
  const lane = await askLane(env, purpose.uuid, async (lane) => ({
    isClosed: (await lane.stats()) === null,
  }));
  if (lane?.isClosed !== true) return;
  purpose.uuid = crypto.randomUUID();
  throw new RequestError(
    409,
    "The webhook that this form created was deleted. Save again to create another.",
  );
}
