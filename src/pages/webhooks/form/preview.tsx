/** A preview of the request body, built like a delivery from a sample event. */
import { indentJson } from "../../../send/indent-json";
import { buildBody, type ChatService, chatServiceOf } from "../../../send/payload";
import { typesMatchedBy } from "../../../events/patterns";
import { sampleEvent } from "../../../events/sample-event";
import { isPublishable } from "../../../events/types";
import { jobFailureTypes } from "../job-failures/job-failure-types";
import type { FormValues } from "./form-values";

const serviceNames: Record<ChatService, string> = { slack: "Slack", teams: "Teams", discord: "Discord" };

/** The field of the body that each service shows. */
const shownField: Record<ChatService, "text" | "content"> = {
  slack: "text",
  teams: "text",
  discord: "content",
};

/** A notice for URLs of chat services. @param props.url as typed, or else as stored; may be empty. */
export function ChatServiceNotice({ url, values }: { url: string; values: FormValues }) {
  const chat = chatOf(url);
  if (chat === null) return null;
  const service = serviceNames[chat];
  return isForm(values) ? (
    <p class="notice warn">
      {service} does not show form bodies: choose the content type <code>application/json</code>.
    </p>
  ) : (
    <p class="notice good">
      {service} webhook detected. Messages appear in the channel as in the preview below. {service} does not
      verify signatures.
    </p>
  );
}

/** @param props.uuid of the webhook. */
export function Preview({ url, values, uuid }: { url: string; values: FormValues; uuid: string }) {
  const chat = chatOf(url);
  const type = sampleType(values);
  const body = buildBody({
    webhook: {
      uuid,
      name: values.text.name,
      verifySsl: !url.startsWith("http:"),
      contentType: isForm(values) ? "application/x-www-form-urlencoded" : "application/json",
    },
    chat,
    event: JSON.stringify(sampleEvent(type, { now: Date.now(), uuid: sequentialUuids() })),
  });
  const isChat = chat !== null && !isForm(values);
  return (
    <>
      <p class="muted small">
        {isChat ? `The message in ${serviceNames[chat]}` : "The request body"} for <code>{type}</code>, with
        sample data.
      </p>
      <pre tabindex={0} aria-label="Preview" class="preview">
        {isChat ? shownText(body, shownField[chat]) : formatBody(body, values)}
      </pre>
    </>
  );
}

/** The chat service of a URL, normalized as when stored. */
function chatOf(url: string): ChatService | null {
  const parsed = URL.parse(url);
  return parsed === null ? null : chatServiceOf(parsed.href);
}

function isForm({ text }: FormValues): boolean {
  return text.content_type === "application/x-www-form-urlencoded";
}

/** The first selected event type of Orchest, or else a job failure. */
function sampleType({ groups }: FormValues): string {
  const matching = groups.flatMap(({ types }) => types).flatMap(typesMatchedBy);
  return matching.find(isPublishable) ?? jobFailureTypes[1];
}

function shownText(body: string, field: "text" | "content"): string {
  const parsed = JSON.parse(body) as Record<string, unknown>;
  return String(parsed[field]);
}

function formatBody(body: string, values: FormValues): string {
  return isForm(values) ? body.replaceAll("&", "\n&") : indentJson(body);
}

/** Deterministic uuids, so that the preview changes only with the form. */
function sequentialUuids(): () => string {
  let made = 0;
  return () => `00000000-0000-4000-8000-${String(++made).padStart(12, "0")}`;
}
