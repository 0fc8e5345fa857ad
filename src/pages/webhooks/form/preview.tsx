/** A preview of the message, built like a delivery from a sample event. */
import { indentJson } from "../../../send/indent-json";
import { buildMessage, type BuiltMessage } from "../../../send/message/build-message";
import { hasDigests } from "../../../send/message/digest";
import { optionsOf } from "../../../send/message/format-options";
import type { ServiceFormat } from "../../../send/message/formats";
import { checkTemplate } from "../../../send/message/template/template-message";
import { previewOf } from "../../../send/message/preview";
import { typesMatchedBy } from "../../../events/patterns";
import { sampleEvent } from "../../../events/sample-event";
import { isPublishable } from "../../../events/types";
import { maskedValue, type SecretSettings } from "../../../platform/encryption";
import { jobFailureTypes } from "../job-failures/job-failure-types";
import { chosenFormat, type FormValues } from "./form-values";
import { ServicePreview } from "./service-preview";

/** The input of a preview. `url`: as typed, or else as stored; may be invalid. `stored`: null for a new webhook. */
type PreviewSource = {
  uuid: string;
  url: string;
  values: FormValues;
  stored: SecretSettings | null;
  orchestUrl: string | null;
};

/** How many more events the preview of a digest has. */
const digestedMore = 11;

/** Shows the message as its service displays it, or else its body; for a webhook with a digest, also a digest. */
export function Preview(source: PreviewSource) {
  const format = chosenFormat(source.values, source.url);
  const type = sampleType(source.values);
  const { template } = source.values.text;
  const reason = format === "template" ? templateReason(template, source, type) : null;
  if (reason !== null) return <p class="notice warn">{reason}</p>;
  const message = messageOf(source, format, type);
  const preview = previewOf(format, message);
  const isDigested = hasDigests(format) && Number(source.values.text.digest_s) > 0;
  const digest = isDigested ? previewOf(format, messageOf(source, format, type, digestedMore)) : null;
  return (
    <>
      <p class="muted small">
        {preview === null ? "The request body" : `The message in ${preview.service}`} for <code>{type}</code>,
        with sample data.
      </p>
      {preview === null ? (
        <pre tabindex={0} aria-label="Preview" class="preview">
          {readable(message)}
        </pre>
      ) : (
        <ServicePreview preview={preview} />
      )}
      {digest !== null && (
        <>
          <p class="muted small">The digest of {digestedMore + 1} such events.</p>
          <ServicePreview preview={digest} />
        </>
      )}
    </>
  );
}

/** @param more how many more events the message contains. */
function messageOf(
  { uuid, url, values, stored, orchestUrl }: PreviewSource,
  format: ServiceFormat,
  type: string,
  more = 0,
): BuiltMessage {
  const ids = sequentialUuids();
  return buildMessage({
    format,
    webhook: {
      uuid,
      name: values.text.name,
      verifySsl: !url.startsWith("http:"),
      contentType: isForm(values) ? "application/x-www-form-urlencoded" : "application/json",
    },
    url,
    options: optionsFor(format, values, stored),
    template: values.text.template,
    orchestUrl,
    event: sampleOf(type, ids),
    // With the same uuids as the first: all are of one project.
    ...(more > 0 && { others: Array.from({ length: more }, () => sampleOf(type, sequentialUuids())) }),
    deliveryUuid: ids(),
  });
}

/** @returns why a template cannot be previewed; null when it can. */
function templateReason(template: string, source: PreviewSource, type: string): string | null {
  if (template.trim() === "") return "Write a template to see what it makes.";
  const options = optionsFor("template", source.values, source.stored);
  const reason = checkTemplate(template, options, [sampleOf(type, sequentialUuids())]);
  return reason === null ? null : `The template ${reason}`;
}

function sampleOf(type: string, uuid: () => string): string {
  return JSON.stringify(sampleEvent(type, { now: Date.now(), uuid }));
}

/** The options as typed, where masked values stand for the stored ones. */
function optionsFor(
  format: ServiceFormat,
  { options }: FormValues,
  stored: SecretSettings | null,
): Record<string, string> {
  const typed = optionsOf(format).map(({ name }) => {
    const value = options[name] ?? "";
    return [name, value === maskedValue ? (stored?.formatOptions?.[name] ?? "") : value] as const;
  });
  return Object.fromEntries(typed.filter(([, value]) => value !== ""));
}

function isForm({ text }: FormValues): boolean {
  return text.content_type === "application/x-www-form-urlencoded";
}

/** The first selected event type of Orchest, or else a job failure. */
function sampleType({ groups }: FormValues): string {
  const matching = groups.flatMap(({ types }) => types).flatMap(typesMatchedBy);
  return matching.find(isPublishable) ?? jobFailureTypes[1];
}

/** @returns the body, indented if it is JSON, and with line breaks between the fields of a form. */
function readable({ body, contentType }: BuiltMessage): string {
  if (contentType === "application/x-www-form-urlencoded") return body.replaceAll("&", "\n&");
  return isJson(contentType) ? indentJson(body) : body;
}

function isJson(contentType: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\b/.test(contentType);
}

/** Deterministic uuids, so that the preview changes only with the form. */
function sequentialUuids(): () => string {
  let made = 0;
  return () => `00000000-0000-4000-8000-${String(++made).padStart(12, "0")}`;
}
