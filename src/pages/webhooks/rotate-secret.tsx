/** `GET` and `POST /webhooks/{uuid}/rotate-secret`: a new secret, while the old one signs too for a while. */
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
import { CopyButton } from "../parts/copy";
import { SelectField, TextField } from "../parts/field";
import { FormFoot } from "../parts/form-foot";
import { backTo } from "../parts/outcome";
import { readable } from "../parts/time";
import { readForm } from "../parts/read-form";
import { Breadcrumbs } from "../parts/breadcrumbs";
import { formErrors } from "./form/form-errors";
import { textOf } from "./form/form-values";
import { webhookInPath } from "./path-params";
import { nameOf, webhookPath } from "./names-and-paths";

const gracePeriods = [
  ["0", "None: only the new one signs from now on"],
  ["3600", "1 hour"],
  ["86400", "24 hours"],
  ["604800", "7 days"],
] as const;

const graceDefault = "86400";

const nothingTyped = "Keep the one that was made, or type one of your own.";

/** What is in the form. `error`: what is wrong with the secret. */
type FormValues = { secret: string; grace: string; error?: string };

/** Adds the page and its form to `router`. */
export function rotateSecretPage(router: Router): void {
  router.get("/webhooks/:uuid/rotate-secret", signedIn("webhooks:write"), async (c) =>
    renderForm(c, await webhookInPath(c), { secret: newSecret(), grace: graceDefault }),
  );

  router.post("/webhooks/:uuid/rotate-secret", signedIn("webhooks:write"), async (c) => {
    const webhook = await webhookInPath(c);
    const form = await readForm(c);
    const secret = textOf(form, "secret");
    const grace = gracePeriods.find(([value]) => value === form.get("grace"))?.[0] ?? graceDefault;
    const rotation = rotationSchema.safeParse({ secret, grace_period_s: Number(grace) });
    if (secret === "" || !rotation.success) {
      c.status(400);
      const error = rotation.success ? nothingTyped : formErrors(rotation.error, []).get("secret");
      return renderForm(c, webhook, { secret, grace, error });
    }
    const until = await rotateSecret(operationOf(c), webhook.uuid, rotation.data);
    return backTo(c, webhookPath(webhook), { tone: "good", text: doneText(until) });
  });
}

function doneText(until: number | null): string {
  return until === null
    ? "The secret was changed. Only the new one signs."
    : `The secret was changed. The one before it signs too, in webhook-signature, until ${readable(until, 0)}.`;
}

function renderForm(c: Context<AppEnv>, webhook: Webhook, typed: FormValues): Response | Promise<Response> {
  const path = webhookPath(webhook);
  return renderPage(
    c,
    { title: `New secret of ${nameOf(webhook)}`, user: c.var.caller, section: "/", scripts: ["/copy.js"] },
    <section class="card form-card" aria-labelledby="rotate-title">
      <Breadcrumbs links={{ "/": "Webhooks", [path]: nameOf(webhook) }} />
      <h1 id="rotate-title">New secret</h1>
      <p>
        Copy the secret and give it to the receiver. It is shown only here and only now: afterwards nobody can
        look it up.
      </p>
      <form class="stack" method="post" action={`${path}/rotate-secret`}>
        <div class="with-button">
          <TextField
            name="secret"
            label="Secret"
            hint="This one was made just now. A text of your own will do as well; long and random is best."
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
          label="The present secret goes on signing for"
          hint="Beside the new one, in webhook-signature. X-Hub-Signature is made with the new one at once: a receiver that verifies that needs it first."
          value={typed.grace}
          options={gracePeriods}
        />
        <FormFoot send="Change the secret" cancel={path} />
      </form>
    </section>,
  );
}
