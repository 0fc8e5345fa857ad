/** The options of each format: the setting `format_options`. */
import { formatNames, type ServiceFormat } from "./formats";
import { isGithubEndpoint } from "./recognise-service";

/** An option, for the API and the form. `values`: the allowed values; absent when any text is allowed. */
export type FormatOption = {
  name: string;
  label: string;
  isRequired: boolean;
  help: string;
  /** Whether the stored value is masked everywhere. */
  secret: boolean;
  values?: readonly string[];
  /** The allowed texts, as a pattern and in words. Absent when any text in one line is allowed. */
  rule?: { pattern: RegExp; allowed: string };
};

const charactersMax = 500;

const optionsByFormat: Partial<Record<ServiceFormat, readonly FormatOption[]>> = {
  discord: [
    {
      name: "thread_name",
      label: "Thread name",
      isRequired: false,
      help: "Only for a forum channel: each message starts a thread of this name.",
      secret: false,
      rule: { pattern: /^.{1,100}$/u, allowed: "at most 100 characters" },
    },
  ],
  telegram: [
    {
      name: "chat_id",
      label: "Chat",
      isRequired: true,
      help: "The chat's number, such as -1001234567890, or a public channel's @name.",
      secret: false,
      rule: { pattern: /^(?:-?\d{1,20}|@\w{4,64})$/, allowed: "a number or @name" },
    },
    {
      name: "message_thread_id",
      label: "Topic",
      isRequired: false,
      help: "Only in a group with topics: the topic's number.",
      secret: false,
      rule: { pattern: /^\d{1,15}$/, allowed: "a number" },
    },
  ],
  ntfy: [
    {
      name: "topic",
      label: "Topic",
      isRequired: false,
      help: "Needed only when the URL does not end with it. Whoever knows a topic can read it.",
      secret: true,
      rule: { pattern: /^[-\w]{1,64}$/, allowed: "at most 64 letters, digits, - and _" },
    },
    {
      name: "priority",
      label: "Priority of failures",
      isRequired: false,
      help: "high unless set. Successes have the default priority, starts a low one.",
      secret: false,
      values: ["min", "low", "default", "high", "max"],
    },
    {
      name: "tags",
      label: "Tags",
      isRequired: false,
      help: "Comma-separated, beside the one for the outcome.",
      secret: false,
      rule: { pattern: /^[^\s,]+(?:\s*,\s*[^\s,]+)*$/, allowed: "names separated by commas" },
    },
  ],
  pagerduty: [
    {
      name: "routing_key",
      label: "Integration key",
      isRequired: true,
      help: "In PagerDuty: the service, Integrations, Events API V2.",
      secret: true,
      rule: { pattern: /^\w{1,64}$/, allowed: "the key as PagerDuty shows it, 32 letters and digits" },
    },
    {
      name: "severity",
      label: "Severity of failures",
      isRequired: false,
      help: "error unless set.",
      secret: false,
      values: ["critical", "error", "warning", "info"],
    },
  ],
  opsgenie: [
    {
      name: "api_key",
      label: "API key",
      isRequired: true,
      help: "Of an API integration, in Opsgenie or in Jira Service Management.",
      secret: true,
      rule: { pattern: /^[-\w]{1,128}$/, allowed: "the key as Opsgenie shows it" },
    },
    {
      name: "priority",
      label: "Priority of failures",
      isRequired: false,
      help: "P3 unless set.",
      secret: false,
      values: ["P1", "P2", "P3", "P4", "P5"],
    },
  ],
  cloudevents: [
    {
      name: "source",
      label: "Source",
      isRequired: false,
      help: "The attribute source of each event; /orchest unless set.",
      secret: false,
      rule: { pattern: /^[!-~]{1,300}$/, allowed: "a URI reference" },
    },
  ],
  template: [
    {
      name: "content_type",
      label: "Content type",
      isRequired: false,
      help: "application/json unless set.",
      secret: false,
      values: [
        "application/json",
        "application/x-www-form-urlencoded",
        "application/xml",
        "text/html",
        "text/plain",
      ],
    },
  ],
};

/** @returns the options of a format, in the order of the form; may be empty. */
export function optionsOf(format: ServiceFormat): readonly FormatOption[] {
  return optionsByFormat[format] ?? [];
}

const publicOptions: ReadonlySet<string> = new Set(
  Object.values(optionsByFormat)
    .flat()
    .flatMap(({ name, secret }) => (secret ? [] : [name])),
);

/** Whether the value of an option with this name may be a secret. Names that no format has count as secret. */
export function isSecretOption(name: string): boolean {
  return !publicOptions.has(name);
}

/**
 * Validates the options of a format.
 * @param url of the webhook: it may already contain the value of a required option.
 * @returns a sentence that begins with the field's name and says what is wrong; null when the options are valid.
 */
export function checkFormatOptions(
  format: ServiceFormat,
  options: Readonly<Record<string, string>>,
  url: string,
): string | null {
  const known = optionsOf(format);
  const unknown = Object.keys(options).find((name) => !known.some((option) => option.name === name));
  if (unknown !== undefined) return unknownOption(format, unknown, known);
  for (const option of known) {
    const reason = checkOption(format, option, options[option.name] ?? "", url);
    if (reason !== null) return reason;
  }
  return format === "discord" && isGithubEndpoint(url)
    ? "url ends with /github: there Discord shows only GitHub's own events. Remove /github from its end."
    : null;
}

/** @returns the options, with `mask` as the value of those that may be secret. */
export function maskOptions(
  format: ServiceFormat,
  options: Readonly<Record<string, string>>,
  mask: string,
): Record<string, string> {
  const shown = new Set(optionsOf(format).flatMap(({ name, secret }) => (secret ? [] : [name])));
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, shown.has(name) ? value : mask]),
  );
}

function unknownOption(format: ServiceFormat, name: string, known: readonly FormatOption[]): string {
  const allowed =
    known.length === 0 ? "it has none" : `allowed are ${known.map((option) => option.name).join(", ")}`;
  return `format_options.${name.slice(0, 100)} is no option of ${formatNames[format]}: ${allowed}.`;
}

function checkOption(
  format: ServiceFormat,
  { name, isRequired, help, values, rule }: FormatOption,
  value: string,
  url: string,
): string | null {
  if (value === "") {
    const isMissing = (isRequired || isTopicMissing(name, url)) && !isInUrl(format, name, url);
    return isMissing ? `format_options.${name} is required for ${formatNames[format]}. ${help}` : null;
  }
  if (value.length > charactersMax) {
    return `format_options.${name} must have at most ${charactersMax} characters.`;
  }
  if (values !== undefined && !values.includes(value)) {
    return `format_options.${name} must be one of ${values.join(", ")}.`;
  }
  const isAllowed = !/\p{Cc}/u.test(value) && (rule === undefined || rule.pattern.test(value));
  return isAllowed ? null : `format_options.${name} must be ${rule?.allowed ?? "one line of text"}.`;
}

/** ntfy accepts messages at `/topic`, or at `/` as JSON with the topic. */
function isTopicMissing(name: string, url: string): boolean {
  return name === "topic" && (URL.parse(url)?.pathname ?? "/") === "/";
}

/**
 * Telegram also accepts parameters in the query (core.telegram.org/bots/api, "Making requests"), and Opsgenie its key.
 */
function isInUrl(format: ServiceFormat, name: string, url: string): boolean {
  const query = URL.parse(url)?.searchParams;
  if (format === "telegram" && name === "chat_id") return Boolean(query?.get("chat_id"));
  return format === "opsgenie" && name === "api_key" && Boolean(query?.get("apiKey"));
}
