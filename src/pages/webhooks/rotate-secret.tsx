/** `GET` and `POST /webhooks/{uuid}/rotate-secret`: replaces the secret; the previous one keeps signing for a grace period. */
import type { Context } from "hono";
import type { Webhook } from "../../webhooks/webhooks";
import { operationOf } from "../../auth/operation";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { rotateSecret } from "../../webhooks/change-webhook";
import { newSecret } from "../../webhooks/create-webhook";
import { rotationSchema } from "../../webhooks/schemas";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { CopyButton } from "../parts/copy-button";
import { SelectField, TextField } from "../parts/field";
import { FormButtons } from "../parts/form-buttons";
import { backTo } from "../parts/outcome";
import { timeText } from "../parts/time";
import { readForm } from "../parts/read-form";
import { Breadcrumbs } from "../parts/breadcrumbs";
import { formErrors } from "./form/form-errors";
import { textOf } from "./form/form-values";
import { webhookInPath } from "./path-params";
import { nameOf, webhookPath } from "./names-and-paths";

const gracePeriods = [
  ["0", "None: only the new secret signs"],
  ["3600", "1 hour"],
  ["86400", "24 hours"],
  ["604800", "7 days"],
] as const;

const hubSecrets = [
  ["previous", "Signed with the current secret until its end"],
  ["new", "Signed with the new secret at once"],
] as const;

const graceDefault = "86400";

const emptySecret = "Keep the generated secret, or enter your own.";

/** The form's fields. `error`: what is wrong with the secret. */
type FormValues = { secret: string; grace: string; hub: "previous" | "new"; error?: string };

/** Adds the page and its form to `router`. */
export function rotateSecretPage(router: Router): void {
  router.get("/webhooks/:uuid/rotate-secret", signedIn("webhooks:write"), async (c) =>
    renderForm(c, await webhookInPath(c), { secret: newSecret(), grace: graceDefault, hub: "previous" }),
  );

  router.post("/webhooks/:uuid/rotate-secret", signedIn("webhooks:write"), async (c) => {
    const webhook = await webhookInPath(c);
    const form = await readForm(c);
    const secret = textOf(form, "secret");
    const grace = gracePeriods.find(([value]) => value === form.get("grace"))?.[0] ?? graceDefault;
    const hub = form.get("hub") === "new" ? "new" : "previous";
    const rotation = rotationSchema.safeParse({ secret, grace_period_s: Number(grace), hub });
    if (secret === "" || !rotation.success) {
      c.status(400);
      const error = rotation.success ? emptySecret : formErrors(rotation.error, []).get("secret");
      return renderForm(c, webhook, { secret, grace, hub, error });
    }
    const { until } = await rotateSecret(operationOf(c), webhook.uuid, rotation.data);
    return backTo(c, webhookPath(webhook), { tone: "good", text: doneText(until, hub) });
  });
}

function doneText(until: number | null, hub: FormValues["hub"]): string {
  if (until === null) return "The secret was rotated. Only the new one signs.";
  const change =
    hub === "previous"
      ? " Then X-Hub-Signature changes over to the new one. Receivers that verify it must change over at the same time."
      : "";
  return `The secret was rotated. The previous one also signs until ${timeText(until, 0)}.${change}`;
}

function renderForm(c: Context<AppEnv>, webhook: Webhook, typed: FormValues): Response | Promise<Response> {
  const path = webhookPath(webhook);
  return renderPage(
    c,
    {
      title: `Rotate the secret of ${nameOf(webhook)}`,
      user: c.var.caller,
      section: "/",
      scripts: ["/copy.js"],
    },
    <section class="card form-card" aria-labelledby="rotate-title">
      <Breadcrumbs links={{ "/": "Webhooks", [path]: nameOf(webhook) }} />
      <h1 id="rotate-title">Rotate secret</h1>
      <p>Copy the new secret to the receiver before you save. It is not shown again.</p>
      <form class="stack" method="post" action={`${path}/rotate-secret`}>
        <div class="with-button">
          <TextField
            name="secret"
            label="Secret"
            hint="Generated for you. You can also enter your own: long and random."
            error={typed.error}
            value={typed.secret}
            class="code"
            autocomplete="off"
            spellcheck="false"
            required
          />
          <CopyButton of="secret" what="the secret" />
        </div>
        <SelectField
          name="grace"
          label="Grace period of the current secret"
          hint="During the grace period, webhook-signature contains a signature with each secret. Receivers that verify it can change over at any time."
          value={typed.grace}
          options={gracePeriods}
        />
        <SelectField
          name="hub"
          label="X-Hub-Signature during the grace period"
          hint="This header contains one signature. A receiver that accepts both secrets for a while loses no delivery. A receiver with a single secret has to change over at that moment; deliveries that it refuses are retried."
          value={typed.hub}
          options={hubSecrets}
        />
        <FormButtons submit="Rotate secret" cancel={path} />
      </form>
    </section>,
  );
}
