/** The page with the form for a new or a stored webhook. */
import type { Context } from "hono";
import type { Known } from "../../../db/known-projects";
import type { Webhook } from "../../../db/webhooks";
import type { AppEnv } from "../../../http/router";
import { renderPage } from "../../layout";
import { described, SelectField, TextField } from "../../parts/field";
import type { Outcome } from "../../parts/outcome";
import { hostOf, nameOf, pathOf } from "../names";
import { EventGroups } from "./event-groups";
import type { FormErrors } from "./form-errors";
import { Preview, Recognised } from "./preview";
import type { TextField as TextFieldName, Typed } from "./typed";

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
  typed: Typed;
  errors: FormErrors;
  /** Of the test. */
  tested: Outcome | null;
  isUnsaved: boolean;
  /** The group of events that was just added. */
  opened?: number;
};

const labels: Record<string, string> = {
  url: "URL",
  name: "Name",
  content_type: "Content type",
  secret: "Secret",
  verify_ssl: "Certificate",
  ordering: "Order",
  max_attempts: "Attempts at most",
  max_age_s: "Give up after",
  timeout_s: "Time-out",
  rate_limit_per_s: "Rate limit",
  headers: "Custom headers",
};

const orderings = [
  ["strict", "Strict: one after another"],
  ["keyed", "Per job or project: one that fails holds up only itself"],
  ["none", "None: as they come"],
] as const;

const contentTypes = [
  ["application/json", "application/json"],
  ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded"],
] as const;

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
          <p class="small">
            <a href="/">Webhooks</a>
            {webhook && (
              <>
                {" / "}
                <a href={pathOf(webhook)}>{nameOf(webhook)}</a>
              </>
            )}
          </p>
          <h1>{title}</h1>
        </div>
      </div>
      {errors.size > 0 && tested === null && <ErrorSummary errors={errors} />}
      <form
        id="webhook-form"
        method="post"
        action={webhook === null ? "/webhooks/new" : `${pathOf(webhook)}/edit`}
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
        <section class="card stack" aria-labelledby="receiver-title">
          <h2 id="receiver-title">Receiver</h2>
          <UrlField purpose={purpose} typed={typed} error={errors.get("url")} />
          <div id="recognised" role="status">
            <Recognised url={url} typed={typed} />
          </div>
          <Line {...{ typed, errors }} name="name" hint="What you and your colleagues call it." />
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
          <More typed={typed} errors={errors} />
        </section>
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
          <div class="row">
            <button class="button primary" type="submit" name="intent" value="save">
              {webhook === null ? "Make webhook" : "Save"}
            </button>
            <button class="button waits" type="submit" name="intent" value="test" data-in-place="tested">
              Test
            </button>
            <a class="button quiet" href={webhook === null ? "/" : pathOf(webhook)}>
              Cancel
            </a>
          </div>
        </div>
      </form>
    </div>,
  );
}

/** Says all that is wrong, and takes the focus: whoever sent the form is at its beginning again. */
function ErrorSummary({ errors }: { errors: FormErrors }) {
  return (
    <div class="notice bad" id="form-errors" role="alert" tabindex={-1} autofocus>
      <strong>Nothing was saved. What you typed is still here.</strong>
      <ErrorList errors={errors} />
    </div>
  );
}

function ErrorList({ errors }: { errors: FormErrors }) {
  if (errors.size === 0) return null;
  return (
    <ul>
      {[...errors].map(([field, sentence]) => (
        <li>
          {field === "" ? (
            sentence
          ) : (
            <a href={`#${field}`}>
              {labels[field] ?? "Events"}: {sentence}
            </a>
          )}
        </li>
      ))}
    </ul>
  );
}

function UrlField({ purpose, typed, error }: { purpose: Purpose; typed: Typed; error?: string }) {
  const { webhook } = purpose;
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

function SecretField({ isNew, typed, error }: { isNew: boolean; typed: Typed; error?: string }) {
  const hint = isNew
    ? "The key that the receiver checks signatures with. It is shown only now: copy it. Left empty, the gateway makes one that nobody sees, which is fine for Slack, Discord and Teams: they check nothing."
    : "Not shown. Leave it empty to keep it; what you type replaces it at once.";
  return (
    <div class="field">
      <label for="secret">Secret</label>
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
          {...described({ name: "secret", hint, error })}
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
          data-in-place="secret-part"
        >
          {typed.text.secret === "" ? "Make one" : "Make another"}
        </button>
      </div>
      <p class="hint" id="secret-hint">
        {hint}
      </p>
      {error !== undefined && (
        <p class="error" id="secret-error">
          {error}
        </p>
      )}
    </div>
  );
}

function CertificateField({ typed, error }: { typed: Typed; error?: string }) {
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

const more = ["max_attempts", "max_age_s", "timeout_s", "rate_limit_per_s", "headers"] as const;

/** What most leave alone. Open where something is wrong or set in it. */
function More({ typed, errors }: { typed: Typed; errors: FormErrors }) {
  const isOpen = more.some((name) => errors.has(name) || typed.text[name] !== "");
  const shared = { typed, errors, type: "number" };
  const hint =
    "Lines of “Name: value”, sent with every delivery. Stored values are shown as ********, and stay.";
  return (
    <details open={isOpen}>
      <summary>More: retries, time-out, rate, headers</summary>
      <div class="stack">
        <div class="grid">
          <Line
            {...shared}
            name="max_attempts"
            inputmode="numeric"
            hint="1 to 100, then a delivery is a dead letter. Empty: as many as fit the time."
          />
          <Line
            {...shared}
            name="max_age_s"
            inputmode="numeric"
            hint="In seconds, 60 to 2592000 (30 days). Empty: 259200, 3 days."
          />
          <Line
            {...shared}
            name="timeout_s"
            inputmode="numeric"
            hint="How long the receiver may take: 1 to 30 seconds. Empty: 5."
          />
          <Line
            {...shared}
            name="rate_limit_per_s"
            inputmode="decimal"
            step="any"
            hint="Deliveries a second, 0.1 to 1000. Empty: no limit."
          />
        </div>
        <div class="field">
          <label for="headers">Custom headers</label>
          <textarea
            id="headers"
            name="headers"
            class="code"
            rows={3}
            spellcheck={false}
            {...described({ name: "headers", hint, error: errors.get("headers") })}
          >
            {typed.text.headers}
          </textarea>
          <p class="hint" id="headers-hint">
            {hint}
          </p>
          {errors.has("headers") && (
            <p class="error" id="headers-error">
              {errors.get("headers")}
            </p>
          )}
        </div>
      </div>
    </details>
  );
}

/** A line of text or a number, as it was typed. */
function Line({
  name,
  typed,
  errors,
  ...field
}: {
  name: TextFieldName;
  typed: Typed;
  errors: FormErrors;
  hint: string;
  [attribute: string]: unknown;
}) {
  return (
    <TextField
      name={name}
      label={labels[name] ?? name}
      value={typed.text[name]}
      error={errors.get(name)}
      autocomplete="off"
      {...field}
    />
  );
}
