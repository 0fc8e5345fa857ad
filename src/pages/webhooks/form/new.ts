/** `GET` and `POST /webhooks/new`: makes a webhook. */
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
import { showBlankForm, handleForm } from "./handle-form";
import type { Purpose } from "./form-page";
import { specOf } from "./values-to-spec";
import { textOf, type FormValues, valuesForNew } from "./form-values";

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Adds the page and its form to `router`. */
export function newWebhookForm(router: Router): void {
  router.get("/webhooks/new", signedIn("webhooks:write"), (c) =>
    showBlankForm(c, purposeOf(crypto.randomUUID()), valuesForNew(newSecret())),
  );

  router.post("/webhooks/new", signedIn("webhooks:write"), async (c) => {
    const form = await readForm(c);
    const uuid = textOf(form, "uuid");
    const purpose = purposeOf(uuidForm.test(uuid) ? uuid : crypto.randomUUID());
    return handleForm(c, purpose, form, {
      save: (typed) => save(c, purpose, typed),
      ping: (typed) =>
        pingNewWebhook(operationOf(c), pingSpecSchema.parse({ ...specOf(typed), subscriptions: null })),
    });
  });
}

function purposeOf(uuid: string): Purpose {
  return { uuid, webhook: null, seen: null, storedUrl: "" };
}

/** The form carries the webhook's uuid, so that sending it twice makes one. */
async function save(c: Context<AppEnv>, purpose: Purpose, typed: FormValues): Promise<Response> {
  const { uuid } = purpose;
  if ((await findWebhook(c.env, uuid)) !== null) return alreadyMade(c, uuid);
  const spec = webhookSpecSchema.parse(specOf(typed));
  await refuseDeleted(c.env, purpose);
  try {
    const { stored, subscriptions } = await createWebhook(operationOf(c), spec, uuid);
    const text = `The webhook “${nameOf(stored)}” was made.`;
    return subscriptions.length > 0
      ? backTo(c, webhookPath(stored), { tone: "good", text })
      : backTo(c, webhookPath(stored), {
          tone: "warn",
          text: `${text} It hears of nothing yet: choose its events.`,
        });
  } catch (error) {
    // The same form, sent at the same moment, was faster.
    if ((await findWebhook(c.env, uuid)) !== null) return alreadyMade(c, uuid);
    throw error;
  }
}

function alreadyMade(c: Context<AppEnv>, uuid: string): Response {
  const text = "This form had made the webhook already, and did not make it twice. To change it, edit it.";
  return backTo(c, webhookPath({ uuid }), { tone: "good", text });
}

/** A deleted webhook's lane stays closed for a while: under its uuid nothing would be delivered. */
async function refuseDeleted(env: Env, purpose: Purpose): Promise<void> {
  const lane = await askLane(env, purpose.uuid, async (lane) => ({
    isClosed: (await lane.stats()) === null,
  }));
  if (lane?.isClosed !== true) return;
  purpose.uuid = crypto.randomUUID();
  throw new RequestError(
    409,
    "The webhook that this form had made was deleted since. Save again to make another.",
  );
}
