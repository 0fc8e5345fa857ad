/** A webhook's message format: its options and its template, validated and merged with the stored ones. */
import { sampleEvent } from "../events/sample-event";
import { FieldError } from "../platform/errors";
import { maskedValue } from "../platform/masked-value";
import { checkFormatOptions, optionsOf } from "../send/message/format-options";
import type { Format, ServiceFormat } from "../send/message/formats";
import { checkTemplate } from "../send/message/template/template-message";
import { formatOf } from "../send/message/recognise-service";

/** The settings that decide a webhook's format, before or after a change. */
export type FormatChoice = {
  format: Format;
  url: string;
  contentType: string;
};

/** The part of `SecretSettings` that belongs to the format. */
type FormatSettings = { formatOptions?: Record<string, string>; template?: string };

/** The format settings in a request. Absent: unchanged. `formatOptions` null: all options are removed. */
export type SentFormatSettings = {
  formatOptions?: Record<string, string | null> | null;
  template?: string | null;
};

/** @returns format options with these names and masked values. */
export function maskFormatOptions(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, maskedValue]));
}

/** @returns the validated settings of a new webhook. @throws {FieldError} when the format does not allow them. */
export function newFormatSettings(choice: FormatChoice, sent: SentFormatSettings): FormatSettings {
  return mergeFormatSettings({ stored: {}, before: null, after: choice, sent });
}

/**
 * Merges the settings in a request into the stored ones, and validates the result. Options belong to the format that
 * they were entered for: another format starts without options.
 * @param before the choice that the stored settings belong to; null for a new webhook.
 * @throws {FieldError} when the format does not allow the result, or when a stored credential would be sent to another
 *   origin than it was entered for.
 */
export function mergeFormatSettings({
  stored,
  before,
  after,
  sent,
}: {
  stored: FormatSettings;
  before: FormatChoice | null;
  after: FormatChoice;
  sent: SentFormatSettings;
}): FormatSettings {
  const service = serviceOf(after);
  const isSame = before !== null && serviceOf(before) === service;
  if (isSame && before.url === after.url && sent.formatOptions === undefined && !sent.template) {
    return keptOf(stored);
  }
  const kept = (isSame && stored.formatOptions) || {};
  const options = mergeOptions({
    kept,
    sent:
      sent.formatOptions === undefined ? maskFormatOptions(Object.keys(kept)) : (sent.formatOptions ?? {}),
    movedSecrets: isSame && originOf(before) !== originOf(after) ? secretNames(service) : new Set<string>(),
  });
  const sentence = checkFormatOptions(service, options, after.url);
  if (sentence !== null) throw fieldErrorOf(sentence);
  const template = mergeTemplate(service, isSame ? stored.template : undefined, sent.template);
  const reason = template === undefined ? null : checkTemplate(template, options, templateSamples());
  if (reason !== null) throw new FieldError("template", reason);
  return {
    ...(Object.keys(options).length > 0 && { formatOptions: options }),
    ...(template !== undefined && { template }),
  };
}

function keptOf({ formatOptions, template }: FormatSettings): FormatSettings {
  return { ...(formatOptions && { formatOptions }), ...(template !== undefined && { template }) };
}

function mergeOptions({
  kept,
  sent,
  movedSecrets,
}: {
  kept: Record<string, string>;
  sent: Record<string, string | null>;
  /** The options whose stored values may not be used. */
  movedSecrets: ReadonlySet<string>;
}): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const [name, value] of Object.entries(sent)) {
    if (value === null || value === "") continue;
    const chosen = value !== maskedValue ? value : movedSecrets.has(name) ? undefined : kept[name];
    if (chosen === undefined) {
      throw new FieldError(
        `format_options.${name}`,
        `enter it again, or leave it out: ${maskedValue} stands for a stored value, which is used only with the format, scheme, host and port that it was entered for.`,
      );
    }
    merged[name] = chosen;
  }
  return merged;
}

function mergeTemplate(
  service: ServiceFormat,
  kept: string | undefined,
  sent: string | null | undefined,
): string | undefined {
  if (service !== "template") {
    if (sent && sent !== maskedValue) {
      throw new FieldError(
        "template",
        "is used only with the format template: choose it, or leave this out.",
      );
    }
    return undefined;
  }
  const template = sent === maskedValue || sent === null || sent === undefined ? kept : sent;
  if (template === undefined || template.trim() === "") {
    throw new FieldError("template", "is required for the format template.");
  }
  return template;
}

/** @returns two events to try a template with: one with many fields, and one with the fewest that an event can have. */
function templateSamples(): string[] {
  const source = { now: Date.now(), uuid: () => crypto.randomUUID() };
  const full = sampleEvent("project:cron-job:run:pipeline-run:failed", source);
  const { uuid, timestamp } = full;
  return [full, { uuid, type: "webhook:recovered", timestamp }].map((event) => JSON.stringify(event));
}

function serviceOf({ format, url, contentType }: FormatChoice): ServiceFormat {
  return formatOf(format, url, contentType);
}

function originOf({ url }: FormatChoice): string {
  return new URL(url).origin;
}

function secretNames(service: ServiceFormat): Set<string> {
  return new Set(optionsOf(service).flatMap(({ name, secret }) => (secret ? [name] : [])));
}

/** @param sentence that begins with the field's name: `format_options.routing_key is required for PagerDuty.` */
function fieldErrorOf(sentence: string): FieldError {
  const space = sentence.indexOf(" ");
  return new FieldError(sentence.slice(0, space), sentence.slice(space + 1));
}
