/** The page with the form for a new or a stored webhook. */
import type { Context } from "hono";
import type { Known } from "../../../events/known-projects";
import type { Webhook } from "../../../webhooks/webhooks";
import type { AppEnv } from "../../../auth/app-env";
import { renderPage } from "../../layout";
import { FormFoot } from "../../parts/form-foot";
import type { Outcome } from "../../parts/outcome";
import { Breadcrumbs } from "../../parts/breadcrumbs";
import { nameOf, webhookPath } from "../names-and-paths";
import { ErrorList, ErrorSummary } from "./error-list";
import { EventGroups } from "./event-groups";
import type { FormErrors } from "./form-errors";
import { Preview } from "./preview";
import { Receiver } from "./receiver";
import type { FormValues } from "./form-values";

/** What the form is for. */
export type Purpose = {
  /** Of the webhook: the stored one's, or the one that the new one will have. */
  uuid: string;
  /** The stored one; null for a new one. */
  webhook: Webhook | null;
  /** What the person saw of a stored one (`seenAs`); null for a new one. */
  seen: string | null;
  /** Where it goes as long as no other URL is typed: for the preview only. */
  storedUrl: string;
};

/** How the form stands. `isUnsaved`: whether it holds more than what is stored. */
export type FormState = {
  typed: FormValues;
  errors: FormErrors;
  /** Of the test. */
  tested: Outcome | null;
  isUnsaved: boolean;
  /** The group of events that was just added. */
  opened?: number;
};

/** Answers with the form. The status is that of `c.status()`. */
export function renderForm(
  c: Context<AppEnv>,
  purpose: Purpose,
  state: FormState & { known: readonly Known[] },
): Response | Promise<Response> {
  const { uuid, webhook, seen } = purpose;
  const { typed, errors, tested, known } = state;
  const title = webhook === null ? "New webhook" : `Edit ${nameOf(webhook)}`;
  const url = typed.text.url || purpose.storedUrl;
  return renderPage(
    c,
    {
      title,
      user: c.var.caller,
      section: "/",
      scripts: ["/in-place.js", "/copy.js", "/webhook-form.js"],
    },
    <div class="form-page">
      <div class="page-header">
        <div>
          <Breadcrumbs
            links={{ "/": "Webhooks", ...(webhook && { [webhookPath(webhook)]: nameOf(webhook) }) }}
          />
          <h1>{title}</h1>
        </div>
      </div>
      {errors.size > 0 && tested === null && <ErrorSummary errors={errors} />}
      <form
        id="webhook-form"
        method="post"
        action={webhook === null ? "/webhooks/new" : `${webhookPath(webhook)}/edit`}
        novalidate
        data-unsaved={state.isUnsaved ? "" : undefined}
      >
        {/* What Enter in a field does: the first submit button is what browsers press then. */}
        <button
          class="visually-hidden"
          type="submit"
          name="intent"
          value="save"
          tabindex={-1}
          aria-hidden="true"
        >
          Save
        </button>
        <input type="hidden" name="uuid" value={uuid} />
        {seen !== null && <input type="hidden" name="seen" value={seen} />}
        <Receiver webhook={webhook} url={url} typed={typed} errors={errors} />
        <EventGroups groups={typed.groups} errors={errors} known={known} opened={state.opened} />
        <section class="card" aria-labelledby="preview-title">
          <h2 id="preview-title">Preview</h2>
          <div id="preview">
            <Preview url={url} typed={typed} uuid={uuid} />
          </div>
        </section>
        <div class="form-end">
          <div id="tested" role="status">
            {tested && (
              <div class={`notice ${tested.tone}`}>
                {tested.text}
                <ErrorList errors={errors} />
              </div>
            )}
          </div>
          <FormFoot
            send={webhook === null ? "Make webhook" : "Save"}
            name="intent"
            value="save"
            cancel={webhook === null ? "/" : webhookPath(webhook)}
          >
            <button
              class="button waits"
              type="submit"
              name="intent"
              value="test"
              formaction="#tested"
              data-in-place="tested"
            >
              Test
            </button>
          </FormFoot>
        </div>
      </form>
    </div>,
  );
}
