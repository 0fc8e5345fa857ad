/** The values of the form as typed, before validation. */
import type { Subscription } from "../../../webhooks/subscriptions";
import type { Webhook } from "../../../webhooks/webhooks";
import { maskHeaders } from "../../../webhooks/custom-headers";
import { maskedValue, type SecretSettings } from "../../../platform/encryption";
import { maskOptions, optionsOf } from "../../../send/message/format-options";
import { formats, type ServiceFormat } from "../../../send/message/formats";
import { formatOf } from "../../../send/message/recognise-service";
import type { Limit } from "./event-tree";

/** Text fields and selects, by their names in the API. */
const textFields = [
  "url",
  "name",
  "format",
  "template",
  "content_type",
  "secret",
  "ordering",
  "max_attempts",
  "max_age_s",
  "timeout_s",
  "rate_limit_per_s",
  "digest_s",
  "egress",
  "headers",
] as const;

export type TextFieldName = (typeof textFields)[number];

/** Event types and wildcards with the same limit. */
export type Group = { limit: Limit; project: string; job: string; types: string[] };

/** The values of the form. `options`: of the format, by name; options that the form did not have are absent. */
export type FormValues = {
  text: Record<TextFieldName, string>;
  options: Record<string, string>;
  verifySsl: boolean;
  groups: Group[];
};

const optionNames = [
  ...new Set(
    formats.flatMap((format) => (format === "auto" ? [] : optionsOf(format))).map(({ name }) => name),
  ),
];

/** The maximum of subscriptions per webhook, and so of groups. */
const groupsMax = 1000;

/** Initial values for a new webhook. @param secret generated for it. */
export function valuesForNew(secret: string): FormValues {
  const blank = Object.fromEntries(textFields.map((name) => [name, ""])) as Record<TextFieldName, string>;
  const text = { ...blank, format: "auto", content_type: "application/json", ordering: "strict", secret };
  return { text, options: {}, verifySsl: true, groups: [emptyGroup()] };
}

/** A stored webhook with its subscriptions and its decrypted settings. */
export type StoredWebhook = { webhook: Webhook; subscriptions: Subscription[]; settings: SecretSettings };

/** Values of a stored webhook. URL and secret are blank, which keeps them; secret options are masked. */
export function valuesForStored({ webhook, subscriptions, settings }: StoredWebhook): FormValues {
  const { formatOptions = {}, template = "" } = settings;
  return {
    text: {
      url: "",
      name: webhook.name,
      format: webhook.format,
      template,
      content_type: webhook.contentType,
      secret: "",
      ordering: webhook.ordering,
      max_attempts: shown(webhook.retryMaxAttempts),
      max_age_s: shown(webhook.retryMaxAgeS),
      timeout_s: shown(webhook.timeoutS),
      rate_limit_per_s: shown(webhook.rateLimitPerS),
      digest_s: shown(webhook.digestS),
      egress: webhook.egress ?? "",
      headers: headerLines(maskHeaders(webhook.headerNames)),
    },
    options: maskOptions(storedFormat({ webhook, settings }), formatOptions, maskedValue),
    // For http URLs: the value once the URL becomes https.
    verifySsl: webhook.verifySsl || webhook.origin.startsWith("http:"),
    groups: groupsOf(subscriptions),
  };
}

/** Reads a submitted form. */
export function readValues(form: FormData): FormValues {
  const count = Math.min(Number.parseInt(textOf(form, "groups"), 10) || 0, groupsMax);
  return {
    text: Object.fromEntries(textFields.map((name) => [name, readText(form, name)])) as Record<
      TextFieldName,
      string
    >,
    options: Object.fromEntries(
      optionNames
        .filter((name) => form.has(optionField(name)))
        .map((name) => [name, textOf(form, optionField(name)).trim()]),
    ),
    verifySsl: form.has("verify_ssl"),
    groups: Array.from({ length: count }, (_, index) => readGroup(form, index)),
  };
}

/** The name of an option's field in the form, also its id. */
export function optionField(name: string): string {
  return `option-${name}`;
}

/** @param url as typed, or else as stored; may be invalid. @returns the format of messages with these values. */
export function chosenFormat({ text }: FormValues, url: string): ServiceFormat {
  const format = formats.find((one) => one === text.format) ?? "auto";
  return formatOf(format, url, text.content_type);
}

/** @returns the format of a stored webhook's messages. */
export function storedFormat({ webhook, settings }: Omit<StoredWebhook, "subscriptions">): ServiceFormat {
  return formatOf(webhook.format, settings.url, webhook.contentType);
}

/** @returns a field's text; empty when the form does not have the field. */
export function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}

/** @returns a group for all projects, without event types. */
export function emptyGroup(): Group {
  return { limit: "all", project: "", job: "", types: [] };
}

/** Adds event types to the first group without a limit. */
export function selectTypes({ groups, ...values }: FormValues, types: readonly string[]): FormValues {
  const place = groups.findIndex(({ limit }) => limit === "all");
  const group = groups[place] ?? emptyGroup();
  const checked = { ...group, types: [...new Set([...group.types, ...types])] };
  return { ...values, groups: place === -1 ? [checked, ...groups] : groups.with(place, checked) };
}

/** The subscriptions of the groups, in order, as API input with the index of their group. */
export function subscriptionsOf(
  groups: readonly Group[],
): { group: number; event_type: string; project_uuid: string | null; job_uuid: string | null }[] {
  return groups.flatMap(({ limit, project, job, types }, group) =>
    types.map((event_type) => ({
      group,
      event_type,
      project_uuid: limit === "all" ? null : project,
      job_uuid: limit === "job" ? job : null,
    })),
  );
}

/** Parses lines of `Name: value`; null when a line is invalid or a name is repeated. */
export function parseHeaderLines(text: string): Record<string, string> | null {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const entries = lines.map(
    (line) =>
      /^([^:]*):(.*)$/
        .exec(line)
        ?.slice(1)
        .map((part) => part.trim()) ?? [],
  );
  const headers = Object.fromEntries(entries.map(([name = "", value = ""]) => [name, value]));
  const isValid =
    entries.every((entry) => entry.length === 2) && Object.keys(headers).length === lines.length;
  return isValid ? headers : null;
}

/** Trims fields, but not name, secret and template, where blanks may matter. Browsers submit line breaks as CRLF. */
function readText(form: FormData, name: TextFieldName): string {
  const text = textOf(form, name).replaceAll("\r\n", "\n");
  return name === "name" || name === "secret" || name === "template" ? text : text.trim();
}

function readGroup(form: FormData, index: number): Group {
  const limit = textOf(form, `limit-${index}`);
  const types = form.getAll(`types-${index}`).filter((value) => typeof value === "string");
  return {
    limit: limit === "project" || limit === "job" ? limit : "all",
    project: textOf(form, `project-${index}`).trim(),
    job: textOf(form, `job-${index}`).trim(),
    types: [...new Set(types)],
  };
}

/** One group per limit. The group without a limit comes first; it is left out when empty, unless it is the only one. */
function groupsOf(subscriptions: readonly Subscription[]): Group[] {
  const unlimited = emptyGroup();
  const groups = new Map([["", unlimited]]);
  for (const { eventType, projectUuid, jobUuid } of subscriptions) {
    const key = [projectUuid, jobUuid].filter(Boolean).join(" ");
    const group = groups.get(key) ?? {
      limit: jobUuid === "" ? "project" : "job",
      project: projectUuid,
      job: jobUuid,
      types: [],
    };
    group.types.push(eventType);
    groups.set(key, group);
  }
  const all = [...groups.values()];
  return all.length > 1 && unlimited.types.length === 0 ? all.slice(1) : all;
}

function headerLines(headers: Record<string, string>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}

function shown(value: number | null): string {
  return value === null ? "" : String(value);
}
