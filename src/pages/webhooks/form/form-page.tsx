/** The page with the form that creates or edits a webhook. */
import type { Context } from "hono";
import type { KnownProject } from "../../../events/known-projects";
import type { Webhook } from "../../../webhooks/webhooks";
import type { AppEnv } from "../../../auth/app-env";
import { readConfig } from "../../../platform/config";
import type { SecretSettings } from "../../../platform/encryption";
import { renderPage } from "../../layout";
import { FormButtons } from "../../parts/form-buttons";
import type { Outcome } from "../../parts/outcome";
import { Breadcrumbs } from "../../parts/breadcrumbs";
import { nameOf, webhookPath } from "../names-and-paths";
import { ErrorList, ErrorSummary } from "./error-list";
import { EventGroups } from "./event-groups";
import type { FormErrors } from "./form-errors";
import { Preview } from "./preview";
import { Receiver } from "./receiver";
import type { FormValues } from "./form-values";

/** Whether the form creates or edits a webhook, and which one. */
export type Purpose = {
  /** The webhook's uuid; a new webhook is created with it. */
  uuid: string;
  /** The stored webhook; null for a new one. */
  webhook: Webhook | null;
  /** The version of the stored webhook that the user saw (`versionHash`); null for a new one. */
  seen: string | null;
  /** The stored secret settings, for fields that are left empty or masked; null for a new webhook. */
  stored: SecretSettings | null;
};

/** The state of the form. `isUnsaved`: whether it has changes. */
export type FormState = {
  values: FormValues;
  errors: FormErrors;
  /** The outcome of the test. */
  tested: Outcome | null;
  isUnsaved: boolean;
  /** The index of a group of events that was just added. */
  opened?: number;
};

/** Responds with the form, with the status of `c.status()`. */
export function renderForm(
  c: Context<AppEnv>,
  purpose: Purpose,
  state: FormState & { known: readonly KnownProject[] },
): Response | Promise<Response> {
  const { uuid, webhook, seen, stored } = purpose;
  const { values, errors, tested, known } = state;
  const title = webhook === null ? "Create webhook" : `Edit ${nameOf(webhook)}`;
  const url = values.text.url || (stored?.url ?? "");
  return renderPage(
    c,
    {
      title,
      user: c.var.caller,
      section: "/",
      scripts: ["/in-place.js", "/copy.js", "/webhook-form.js"],
      styles: ["/service-preview.css"],
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
        {/* Enter in a field presses the first submit button of the form. */}
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
        <Receiver
          webhook={webhook}
          url={url}
          values={values}
          errors={errors}
          egresses={readConfig(c.env).egresses.map(({ name }) => name)}
        />
        <EventGroups groups={values.groups} errors={errors} known={known} opened={state.opened} />
        <section class="card" aria-labelledby="preview-title">
          <h2 id="preview-title">Preview</h2>
          <div id="preview">
            <Preview
              uuid={uuid}
              url={url}
              values={values}
              stored={stored}
              orchestUrl={readConfig(c.env).orchestUrl}
            />
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
          <FormButtons
            submit={webhook === null ? "Create webhook" : "Save"}
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
          </FormButtons>
        </div>
      </form>
    </div>,
  );
}
