/** The form's first part: where events go, and how they are sent there. */
import type { Webhook } from "../../../webhooks/webhooks";
import { described, Field, SelectField, TextField } from "../../parts/field";
import { hostOf } from "../names-and-paths";
import type { FormErrors } from "./form-errors";
import { FormField } from "./form-field";
import { AdvancedSettings } from "./advanced-settings";
import { Recognised } from "./preview";
import type { FormValues } from "./form-values";

const orderings = [
  ["strict", "Strict: one after another"],
  ["keyed", "Per job or project: one that fails holds up only itself"],
  ["none", "None: as they come"],
] as const;

const contentTypes = [
  ["application/json", "application/json"],
  ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded"],
] as const;

/** @param props.webhook the stored one; null for a new one. @param props.url where it goes, as the form stands. */
export function Receiver({
  webhook,
  url,
  typed,
  errors,
}: {
  webhook: Webhook | null;
  url: string;
  typed: FormValues;
  errors: FormErrors;
}) {
  return (
    <section class="card stack" aria-labelledby="receiver-title">
      <h2 id="receiver-title">Receiver</h2>
      <UrlField webhook={webhook} typed={typed} error={errors.get("url")} />
      <div id="recognised" role="status">
        <Recognised url={url} typed={typed} />
      </div>
      <FormField {...{ typed, errors }} name="name" hint="What you and your colleagues call it." />
      <SecretField isNew={webhook === null} typed={typed} error={errors.get("secret")} />
      <div class="grid">
        <SelectField
          name="content_type"
          label="Content type"
          value={typed.text.content_type}
          options={contentTypes}
          error={errors.get("content_type")}
        />
        <SelectField
          name="ordering"
          label="Order"
          value={typed.text.ordering}
          options={orderings}
          error={errors.get("ordering")}
        />
      </div>
      <CertificateField typed={typed} error={errors.get("verify_ssl")} />
      <AdvancedSettings typed={typed} errors={errors} />
    </section>
  );
}

function UrlField({ webhook, typed, error }: { webhook: Webhook | null; typed: FormValues; error?: string }) {
  return (
    <TextField
      name="url"
      type="url"
      label="URL"
      value={typed.text.url}
      error={error}
      required={webhook === null}
      placeholder={webhook === null ? "https://hooks.slack.com/services/…" : "Unchanged"}
      autocomplete="off"
      spellcheck="false"
      data-origin={webhook?.origin}
      hint={
        webhook === null ? (
          "Where events are posted to: an incoming webhook of Slack, Discord or Teams, or a program of yours."
        ) : (
          <>
            Now one of <code>{hostOf(webhook)}</code>, whose path is not shown. Leave it empty to keep it.
          </>
        )
      }
    />
  );
}

function SecretField({ isNew, typed, error }: { isNew: boolean; typed: FormValues; error?: string }) {
  const hint = isNew
    ? "The key that the receiver checks signatures with. It is shown only now: copy it. Left empty, the gateway makes one that nobody sees, which is fine for Slack, Discord and Teams: they check nothing."
    : "Not shown. Leave it empty to keep it; what you type replaces it at once.";
  const field = { name: "secret", hint, error };
  return (
    <Field {...field} label="Secret">
      <div id="secret-part" class="row with-buttons">
        <input
          id="secret"
          name="secret"
          class="code"
          value={typed.text.secret}
          placeholder={isNew ? undefined : "Unchanged"}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          {...described(field)}
        />
        <button class="button quiet" type="button" data-copy="secret" hidden>
          Copy
        </button>
        <button
          class="button quiet"
          type="submit"
          name="intent"
          value="new-secret"
          formnovalidate
          formaction="#secret-part"
          data-in-place="secret-part"
        >
          {typed.text.secret === "" ? "Make one" : "Make another"}
        </button>
      </div>
    </Field>
  );
}

function CertificateField({ typed, error }: { typed: FormValues; error?: string }) {
  const hint =
    "Of https URLs it always is. Over http there is none, and what is sent can be read on its way.";
  return (
    <div class="field">
      <label class="choice">
        <input
          type="checkbox"
          id="verify_ssl"
          name="verify_ssl"
          checked={typed.verifies}
          {...described({ name: "verify_ssl", hint, error })}
        />
        Verify certificate
      </label>
      <p class="hint" id="verify_ssl-hint">
        {hint}
      </p>
      {error !== undefined && (
        <p class="error" id="verify_ssl-error">
          {error}
        </p>
      )}
    </div>
  );
}
