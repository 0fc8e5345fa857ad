/** Messages from a webhook's own template, for services that have no format of their own. */
import type { BuiltMessage, MessageInput } from "../build-message";
import { escapeHtml } from "../escape-html";
import { noticeOf } from "../notice";
import { parseTemplate, TemplateError } from "./parse-template";
import { renderTemplate } from "./render-template";

const defaultContentType = "application/json";
/** The characters that XML does not allow, not even as references (XML 1.0, 2.2). Surrogates are well-formed here. */
const notInXml = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;
const sameText = (text: string): string => text;
const inMarkup = (text: string): string => escapeHtml(text).replaceAll("'", "&#39;");
const inXml = (text: string): string => inMarkup(text.replaceAll(notInXml, ""));
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/** The escape function for each content type that `format_options.content_type` allows. */
const escapes: Record<string, (text: string) => string> = {
  [defaultContentType]: inJson,
  "application/x-www-form-urlencoded": encodeURIComponent,
  "application/xml": inXml,
  "text/html": inMarkup,
  "text/plain": sameText,
};

/**
 * Renders the webhook's template. Its variables are `event`, the parts of the event's sentence (`title`, `outcome`,
 * `facts`, `link`, `text`), its `type` and `timestamp`, the name and uuid of the `webhook`, and `delivery`, the
 * delivery's uuid.
 * @throws {TemplateError} for a template that `checkTemplate` refuses.
 */
export function templateMessage(input: MessageInput): BuiltMessage {
  const { options, template, webhook, deliveryUuid } = input;
  const contentType = options["content_type"] ?? defaultContentType;
  const { sentence, fields, type } = noticeOf(input, "");
  const data = {
    ...sentence,
    event: fields,
    type,
    timestamp: fields["timestamp"],
    webhook: { name: webhook.name, uuid: webhook.uuid },
    delivery: deliveryUuid,
  };
  const body = renderTemplate(parseTemplate(template ?? ""), data, {
    escape: escapes[contentType] ?? inJson,
    escapeJson: contentType === defaultContentType ? sameText : (escapes[contentType] ?? inJson),
  });
  const isForm = contentType === "application/x-www-form-urlencoded";
  const isBare = isForm || contentType === defaultContentType;
  return { body, contentType: isBare ? contentType : `${contentType}; charset=utf-8` };
}

/** The input for trying a template. Only the event matters. */
const trial = {
  format: "template",
  webhook: { uuid: "", name: "", verifySsl: true, contentType: defaultContentType },
  url: "https://example.com/",
  orchestUrl: null,
  deliveryUuid: "",
} as const;

/**
 * Validates a template.
 * @param options `format_options`. @param samples source texts of events: for each of them, a JSON body must be valid
 *   JSON.
 * @returns the rest of a sentence that begins with `template` and says what is wrong; null when the template is valid.
 */
export function checkTemplate(
  template: string,
  options: Readonly<Record<string, string>>,
  samples: readonly string[],
): string | null {
  try {
    for (const event of samples) {
      const { body, contentType } = templateMessage({ ...trial, template, options, event });
      if (contentType === defaultContentType && !isJson(body)) return notJson(event);
    }
    return null;
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function notJson(event: string): string {
  const { type } = JSON.parse(event) as { type: string };
  return (
    `makes no valid JSON of an event of the type ${type}. Put quotes around {{…}}, or write {{json …}} for a ` +
    `value with its quotes; a comma between the items of {{#each}} is {{#unless @last}},{{/unless}}.`
  );
}
