/** The body of a delivery in Orchest's format: an envelope around the event's source text. */
import { indentJson } from "./indent-json";
import { hostOf } from "../platform/host-name";

/** The webhook's fields in a body (`delivered_for`), and its encoding. */
export type SentWebhook = {
  uuid: string;
  name: string;
  verifySsl: boolean;
  contentType: "application/json" | "application/x-www-form-urlencoded";
};

/** A chat service that displays only one field of a body. */
export type ChatService = "slack" | "teams" | "discord";

/** The most characters that Discord allows in `content` (its documentation, "Execute Webhook"). */
const discordCharactersMax = 2000;

/** @returns the chat service of a URL, if it is one for which Orchest adds a text field; else null. */
export function chatServiceOf(url: string): ChatService | null {
  const parsed = URL.parse(url);
  if (parsed === null) return null;
  const host = hostOf(parsed);
  if (/(?:^|\.)webhook\.office\.com$/.test(host)) return "teams";
  if (parsed.protocol !== "https:" || parsed.port !== "") return null;
  if (host === "hooks.slack.com") return "slack";
  return host === "discord.com" && parsed.pathname.startsWith("/api/webhooks/") ? "discord" : null;
}

/**
 * @returns the exact text that is signed and sent.
 * @param event the event's source text. The body contains it unchanged.
 */
export function buildBody(delivery: {
  webhook: SentWebhook;
  chat: ChatService | null;
  event: string;
}): string {
  const { webhook, chat, event } = delivery;
  const deliveredFor = deliveredForOf(webhook);
  if (webhook.contentType === "application/x-www-form-urlencoded") {
    return new URLSearchParams({ delivered_for: deliveredFor, event }).toString();
  }
  switch (chat) {
    case null:
      return `{"delivered_for":${deliveredFor},"event":${event}}`;
    case "slack":
    case "teams":
      return withField("text", deliveredFor, event, shown(deliveredFor, event));
    case "discord":
      return discordBody(webhook, deliveredFor, event);
  }
}

/** The JSON text of `delivered_for`. */
export function deliveredForOf(webhook: SentWebhook): string {
  return JSON.stringify({
    name: webhook.name,
    verify_ssl: webhook.verifySsl,
    content_type: webhook.contentType,
    uuid: webhook.uuid,
    type: "webhook",
  });
}

function discordBody(webhook: SentWebhook, deliveredFor: string, event: string): string {
  const whole = shown(deliveredFor, event);
  if (whole.length <= discordCharactersMax) return withField("content", deliveredFor, event, whole);
  const short = JSON.stringify({ uuid: webhook.uuid, name: webhook.name });
  return withField("content", short, event, cut(shown(short, event)));
}

function shown(deliveredFor: string, event: string): string {
  return indentJson(`{"delivered_for":${deliveredFor},"event":${event}}`);
}

function cut(text: string): string {
  if (text.length <= discordCharactersMax) return text;
  // Half a surrogate pair at the end would not be valid text.
  return `${text.slice(0, discordCharactersMax - 3).replace(/[\uD800-\uDBFF]$/, "")}...`;
}

function withField(field: "text" | "content", deliveredFor: string, event: string, text: string): string {
  return `{"delivered_for":${deliveredFor},"event":${event},"${field}":${JSON.stringify(text)}}`;
}
