/** The body of a delivery in a webhook's format. */
import { buildBody, chatServiceOf, type SentWebhook } from "../payload";
import type { ServiceFormat } from "./formats";

/** What a message is made of. Neither time nor chance is: the same input gives the same message. */
export type MessageInput = {
  format: ServiceFormat;
  webhook: SentWebhook;
  /** The webhook's URL, or its `outlineOf`. */
  url: string;
  /** The event's source text. */
  event: string;
  /** `format_options`. */
  options: Readonly<Record<string, string>>;
  /** The webhook's template; null for every other format. */
  template: string | null;
  /** Where Orchest's own pages are; null: messages have no link. */
  orchestUrl: string | null;
  deliveryUuid: string;
  /** A test ping: services that show only failures show it, too. */
  isTest?: boolean;
};

export type BuiltMessage = {
  /** The exact text that is signed and sent. */
  body: string;
  contentType: string;
  /** More headers. What is secret in them is only in `secretHeaders`. */
  headers?: Record<string, string>;
  secretHeaders?: readonly string[];
  /** Where it is sent below the webhook's URL, when not to that itself. */
  target?: { path: string; query: Record<string, string> };
};

/** @returns what is sent for one delivery. Parses the event only for formats that show a sentence. */
export function buildMessage(input: MessageInput): BuiltMessage {
  const { webhook, event, url } = input;
  const chat = input.format === "orchest" ? null : chatServiceOf(url);
  return { body: buildBody({ webhook, chat, event }), contentType: webhook.contentType };
}
