/** What a receiver is going to get: made as deliveries are, of a sample event. */
import { indentJson } from "../../../send/indent-json";
import { buildBody, type ChatService, chatServiceOf } from "../../../send/payload";
import { typesHeardBy } from "../../../events/patterns";
import { sampleEvent } from "../../../events/sample-event";
import { isPublishable } from "../../../events/types";
import { jobFailureTypes } from "../job-failures/types";
import type { FormValues } from "./form-values";

const serviceNames: Record<ChatService, string> = { slack: "Slack", teams: "Teams", discord: "Discord" };

/** The field of the body that each shows. */
const shownField: Record<ChatService, "text" | "content"> = {
  slack: "text",
  teams: "text",
  discord: "content",
};

/** @param props.url where it goes: what was typed, or what is stored; empty as long as there is nothing. */
export function Recognised({ url, typed }: { url: string; typed: FormValues }) {
  const chat = chatOf(url);
  if (chat === null) return null;
  const service = serviceNames[chat];
  return isForm(typed) ? (
    <p class="notice warn">
      {service} shows nothing of a form: choose the content type <code>application/json</code>.
    </p>
  ) : (
    <p class="notice good">
      This is {service}. Messages appear in its channel as the preview below shows them; it checks no
      signature.
    </p>
  );
}

/** @param props.uuid of the webhook. */
export function Preview({ url, typed, uuid }: { url: string; typed: FormValues; uuid: string }) {
  const chat = chatOf(url);
  const type = sampleType(typed);
  const body = buildBody({
    webhook: {
      uuid,
      name: typed.text.name,
      verifySsl: !url.startsWith("http:"),
      contentType: isForm(typed) ? "application/x-www-form-urlencoded" : "application/json",
    },
    chat,
    event: JSON.stringify(sampleEvent(type, { now: Date.now(), uuid: countedUuids() })),
  });
  const isChat = chat !== null && !isForm(typed);
  return (
    <>
      <p class="muted small">
        {isChat ? `What the channel in ${serviceNames[chat]} shows` : "The body that is posted"} when{" "}
        <code>{type}</code> happens. Names and values are made up.
      </p>
      <pre tabindex={0} aria-label="Preview" class="preview">
        {isChat ? shownText(body, shownField[chat]) : laidOut(body, typed)}
      </pre>
    </>
  );
}

/** The service behind a URL as it would be stored. */
function chatOf(url: string): ChatService | null {
  const parsed = URL.parse(url);
  return parsed === null ? null : chatServiceOf(parsed.href);
}

function isForm({ text }: FormValues): boolean {
  return text.content_type === "application/x-www-form-urlencoded";
}

/** The first event of Orchest's that is ticked, or the one that most people come for. */
function sampleType({ groups }: FormValues): string {
  const heard = groups.flatMap(({ types }) => types).flatMap(typesHeardBy);
  return heard.find(isPublishable) ?? jobFailureTypes[1];
}

function shownText(body: string, field: "text" | "content"): string {
  const parsed = JSON.parse(body) as Record<string, unknown>;
  return String(parsed[field]);
}

function laidOut(body: string, typed: FormValues): string {
  return isForm(typed) ? body.replaceAll("&", "\n&") : indentJson(body);
}

/** The same ones each time: a preview changes only where something was changed. */
function countedUuids(): () => string {
  let made = 0;
  return () => `00000000-0000-4000-8000-${String(++made).padStart(12, "0")}`;
}
