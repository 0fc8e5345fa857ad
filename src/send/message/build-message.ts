/** The body of a delivery in a webhook's format. */
import { buildBody, chatServiceOf, deliveredForOf, type SentWebhook } from "../payload";
import { cloudEvent } from "./cloudevents";
import { hasDigests } from "./digest";
import type { ServiceFormat } from "./formats";
import { templateMessage } from "./template/template-message";
import { type Notice, noticeOf } from "./notice";
import { discordMessage } from "./services/discord";
import { googleChatMessage } from "./services/google-chat";
import { mattermostMessage } from "./services/mattermost";
import { ntfyMessage } from "./services/ntfy";
import { opsgenieMessage } from "./services/opsgenie";
import { pagerdutyMessage } from "./services/pagerduty";
import { slackMessage } from "./services/slack";
import { teamsMessage } from "./services/teams";
import { telegramMessage } from "./services/telegram";

/** What a message is made of. Neither time nor chance is: the same input gives the same message. */
export type MessageInput = {
  format: ServiceFormat;
  webhook: SentWebhook;
  /** The webhook's URL, or its `outlineOf`. */
  url: string;
  /** The event's source text. */
  event: string;
  /** The source texts of more events that the message tells of, in order. */
  others?: readonly string[];
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

/**
 * @returns what is sent for one delivery, or for several. Parses the event only for formats that show a sentence or name its
 *   type.
 * @throws for several events in a format that tells of one.
 */
export function buildMessage(input: MessageInput): BuiltMessage {
  const { format, webhook, event, url, others = [] } = input;
  if (others.length > 0 && !hasDigests(format)) {
    throw new Error(`A message of the format ${format} tells of one event.`);
  }
  if (format === "orchest") {
    const body = buildBody({ webhook, chat: chatServiceOf(url), event });
    return { body, contentType: webhook.contentType };
  }
  if (format === "cloudevents") return cloudEvent(input);
  if (format === "template") return templateMessage(input);
  return services[format](noticeOf(input, deliveredForOf(webhook)));
}

/** What each service shows to people. */
type NoticeFormat = Exclude<ServiceFormat, "orchest" | "cloudevents" | "template">;

const services: Record<NoticeFormat, (notice: Notice) => BuiltMessage> = {
  slack: slackMessage,
  discord: discordMessage,
  teams: teamsMessage,
  google_chat: googleChatMessage,
  mattermost: mattermostMessage,
  telegram: telegramMessage,
  ntfy: ntfyMessage,
  pagerduty: pagerdutyMessage,
  opsgenie: opsgenieMessage,
};
