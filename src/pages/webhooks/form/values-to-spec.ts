/** Converts the form's values to the API's input, which the API's schemas and rules then validate. */
import { FieldError } from "../../../platform/errors";
import type { ResettableField } from "../../../webhooks/change-webhook";
import { groupField } from "./form-errors";
import { optionsOf } from "../../../send/message/format-options";
import type { ServiceFormat } from "../../../send/message/formats";
import {
  chosenFormat,
  parseHeaderLines,
  storedFormat,
  type StoredWebhook,
  subscriptionsOf,
  type TextFieldName,
  type FormValues,
  valuesForStored,
} from "./form-values";

/** Numeric settings; blank means the gateway's default. */
const numbers = [
  "max_attempts",
  "max_age_s",
  "timeout_s",
  "rate_limit_per_s",
] as const satisfies ResettableField[];

/**
 * A webhook's spec, to be parsed by `webhookSpecSchema`.
 * @throws {FieldError} for values that cannot be expressed as input.
 */
export function specOf(values: FormValues): Record<string, unknown> {
  const { text, groups } = values;
  return {
    url: text.url,
    name: text.name,
    content_type: text.content_type,
    secret: text.secret,
    verify_ssl: verifySslFor(text.url, values),
    ordering: text.ordering,
    retry: { max_attempts: numberOf(text.max_attempts), max_age_s: numberOf(text.max_age_s) },
    timeout_s: numberOf(text.timeout_s),
    rate_limit_per_s: numberOf(text.rate_limit_per_s),
    digest_s: numberOf(text.digest_s),
    egress: text.egress,
    headers: headersOf(text.headers),
    ...formatSettings(values, text.url),
    subscriptions: subscriptionInputs(groups),
  };
}

/**
 * @returns the fields that differ from the stored webhook, to be parsed by `webhookChangesSchema`, and the settings to
 *   reset to the gateway's default; null when nothing changed. @throws {FieldError} as `specOf`.
 */
export function changeOf(
  values: FormValues,
  storedWebhook: StoredWebhook,
): { spec: Record<string, unknown>; reset: ResettableField[] } | null {
  const { text, groups } = values;
  const { webhook } = storedWebhook;
  const stored = valuesForStored(storedWebhook);
  const differs = (name: TextFieldName): boolean =>
    name === "name" ? inLine(text.name) !== inLine(webhook.name) : text[name] !== stored.text[name];
  const spec: Record<string, unknown> = {};
  for (const name of ["url", "secret"] as const) if (text[name] !== "") spec[name] = text[name];
  for (const name of ["name", "content_type", "ordering", "egress"] as const)
    if (differs(name)) spec[name] = text[name];

  if (differs("digest_s")) spec["digest_s"] = numberOf(text.digest_s) ?? 0;

  const changed = numbers.filter(differs);
  const set = Object.fromEntries(
    changed.filter((name) => text[name] !== "").map((name) => [name, numberOf(text[name])]),
  );
  const { timeout_s, rate_limit_per_s, ...retry } = set;
  Object.assign(
    spec,
    timeout_s !== undefined && { timeout_s },
    rate_limit_per_s !== undefined && { rate_limit_per_s },
  );
  if (Object.keys(retry).length > 0) spec["retry"] = retry;

  const target = text.url || webhook.origin;
  if (text.url !== "" || !isHttp(target)) {
    const verify = verifySslFor(target, values);
    if (verify !== webhook.verifySsl) spec["verify_ssl"] = verify;
  }
  if (differs("headers")) spec["headers"] = headersOf(text.headers);
  Object.assign(spec, changedFormat(values, storedWebhook));
  if (keysOf(groups) !== keysOf(stored.groups)) spec["subscriptions"] = subscriptionInputs(groups);

  const reset = changed.filter((name) => text[name] === "");
  return Object.keys(spec).length + reset.length === 0 ? null : { spec, reset };
}

/** @returns the typed settings that the chosen format has. */
function formatSettings(values: FormValues, url: string): Record<string, unknown> {
  const service = chosenFormat(values, url);
  return {
    format: values.text.format,
    format_options: optionsIn(values, service),
    ...(service === "template" && { template: values.text.template }),
  };
}

/** @returns the settings of the format that differ from the stored webhook. */
function changedFormat(values: FormValues, stored: StoredWebhook): Record<string, unknown> {
  const service = chosenFormat(values, values.text.url || stored.settings.url);
  const before = storedFormat(stored);
  const known = service === before ? optionsIn(valuesForStored(stored), before) : {};
  const options = optionsIn(values, service);
  const { format, template } = values.text;
  return {
    ...(format !== stored.webhook.format && { format }),
    ...(JSON.stringify(options) !== JSON.stringify(known) && { format_options: options }),
    ...(service === "template" && template !== stored.settings.template && { template }),
  };
}

/** The options of a format that have a value. */
function optionsIn({ options }: FormValues, service: ServiceFormat): Record<string, string> {
  const filled = optionsOf(service).map(({ name }) => [name, options[name] ?? ""] as const);
  return Object.fromEntries(filled.filter(([, value]) => value !== ""));
}

/** A name as browsers submit it from a text input, which drops line breaks. */
function inLine(name: string): string {
  return name.replaceAll(/[\r\n]/g, "");
}

/** False for http, as in Orchest's client. */
function verifySslFor(url: string, { verifySsl: isChecked }: FormValues): boolean {
  return !isHttp(url) && isChecked;
}

/** @param url possibly invalid. */
function isHttp(url: string): boolean {
  return /^http:/i.test(url);
}

/** @throws {FieldError} for a group with a project or job but no event types. */
function subscriptionInputs(groups: FormValues["groups"]): Record<string, unknown>[] {
  const empty = groups.findIndex(
    ({ limit, project, job, types }) => limit !== "all" && project + job !== "" && types.length === 0,
  );
  if (empty !== -1) {
    throw new FieldError(groupField(empty), "select at least one event type, or choose all projects.");
  }
  return subscriptionsOf(groups).map(({ event_type, project_uuid, job_uuid }) => ({
    event_type,
    project_uuid,
    job_uuid,
  }));
}

function headersOf(text: string): Record<string, string> {
  const headers = parseHeaderLines(text);
  if (headers === null)
    throw new FieldError("headers", "must have one “Name: value” per line, each name once.");
  return headers;
}

/** NaN for text that is not a number: the API rejects it. */
function numberOf(text: string): number | null {
  return text === "" ? null : Number(text);
}

/** Equal for equal sets of subscriptions. */
function keysOf(groups: FormValues["groups"]): string {
  const keys = subscriptionsOf(groups).map(({ event_type, project_uuid, job_uuid }) =>
    [event_type, project_uuid ?? "", job_uuid ?? ""].join(" ").toLowerCase(),
  );
  return [...new Set(keys)].toSorted().join("\n");
}
