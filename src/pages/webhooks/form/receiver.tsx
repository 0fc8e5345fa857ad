/** The form's first section: the URL and how requests are sent to it. */
import { directName } from "../../../send/egress/choose-route";
import type { Webhook } from "../../../webhooks/webhooks";
import { described, Field, SelectField, TextField } from "../../parts/field";
import { hostOf } from "../names-and-paths";
import type { FormErrors } from "./form-errors";
import { FormField } from "./form-field";
import { AdvancedSettings } from "./advanced-settings";
import { FormatField, FormatFields, UrlNotice } from "./format-fields";
import type { FormValues } from "./form-values";

const orderings = [
  ["strict", "Strict: one at a time, in order"],
  ["keyed", "Keyed by job: a failing job blocks only itself"],
  ["none", "None: no order guaranteed"],
] as const;

const contentTypes = [
  ["application/json", "application/json"],
  ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded"],
] as const;

/**
 * @param props.webhook the stored webhook; null for a new one. @param props.url as typed, or else as stored.
 * @param props.egresses the names of the deployment's egresses.
 */
export function Receiver({
  webhook,
  url,
  values,
  errors,
  egresses,
}: {
  webhook: Webhook | null;
  url: string;
  values: FormValues;
  errors: FormErrors;
  egresses: readonly string[];
}) {
  return (
    <section class="card stack" aria-labelledby="receiver-title">
      <h2 id="receiver-title">Receiver</h2>
      <UrlField webhook={webhook} values={values} error={errors.get("url")} />
      <div id="url-notice" role="status">
        <UrlNotice url={url} values={values} />
      </div>
      <FormatField values={values} errors={errors} />
      <FormatFields url={url} values={values} errors={errors} />
      <FormField {...{ values, errors }} name="name" hint="How you identify this webhook." />
      <SecretField isNew={webhook === null} values={values} error={errors.get("secret")} />
      <div class="grid">
        <SelectField
          name="content_type"
          label="Content type"
          value={values.text.content_type}
          options={contentTypes}
          error={errors.get("content_type")}
        />
        <SelectField
          name="ordering"
          label="Ordering"
          value={values.text.ordering}
          options={orderings}
          error={errors.get("ordering")}
        />
      </div>
      <CertificateField values={values} error={errors.get("verify_ssl")} />
      <EgressField value={values.text.egress} error={errors.get("egress")} egresses={egresses} />
      <AdvancedSettings values={values} errors={errors} />
    </section>
  );
}

function UrlField({
  webhook,
  values,
  error,
}: {
  webhook: Webhook | null;
  values: FormValues;
  error?: string;
}) {
  return (
    <TextField
      name="url"
      type="url"
      label="URL"
      value={values.text.url}
      error={error}
      required={webhook === null}
      placeholder={webhook === null ? "https://hooks.slack.com/services/…" : "Unchanged"}
      autocomplete="off"
      spellcheck="false"
      data-origin={webhook?.origin}
      hint={
        webhook === null ? (
          "An incoming webhook of Slack, Discord, Teams or another service, or your own service."
        ) : (
          <>
            Currently on <code>{hostOf(webhook)}</code>; the path is hidden. Leave empty to keep it.
          </>
        )
      }
    />
  );
}

function SecretField({ isNew, values, error }: { isNew: boolean; values: FormValues; error?: string }) {
  const hint = isNew
    ? "Your service verifies signatures with it. Copy it now: it is not shown again. Chat and alerting services do not need it."
    : "Hidden. Leave empty to keep it; a new value replaces it immediately.";
  const field = { name: "secret", hint, error };
  return (
    <Field {...field} label="Secret">
      <div id="secret-part" class="row with-buttons">
        <input
          id="secret"
          name="secret"
          class="code"
          value={values.text.secret}
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
          {values.text.secret === "" ? "Generate" : "Regenerate"}
        </button>
      </div>
    </Field>
  );
}

/**
 * Absent when there is nothing to choose. The options include the webhook's egress even if the deployment no longer has
 * it.
 */
function EgressField({
  value,
  error,
  egresses,
}: {
  value: string;
  error?: string;
  egresses: readonly string[];
}) {
  const names = new Set([...egresses, ...(value === "" || value === directName ? [] : [value])]);
  if (names.size === 0 && value === "") return null;
  const named = [...names].map((name) => [name, name] as const);
  return (
    <SelectField
      name="egress"
      label="Egress"
      hint="How deliveries reach receivers in private networks, or whose certificate is not verified."
      value={value}
      options={[["", "Automatic: the first that matches, if one is needed"], ...named, [directName, "None"]]}
      error={error}
    />
  );
}

function CertificateField({ values, error }: { values: FormValues; error?: string }) {
  const hint =
    "Off for https URLs needs an egress that is for unverified receivers. Plain http is not encrypted and can be read in transit.";
  return (
    <div class="field">
      <label class="choice">
        <input
          type="checkbox"
          id="verify_ssl"
          name="verify_ssl"
          checked={values.verifySsl}
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
