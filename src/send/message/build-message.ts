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

/** The input of a message. Time and randomness are not part of it: the same input gives the same message. */
export type MessageInput = {
  format: ServiceFormat;
  webhook: SentWebhook;
  /** The webhook's URL, or its `outlineOf`. */
  url: string;
  /** The event's source text. */
  event: string;
  /** The source texts of the other events of a digest, in order. */
  others?: readonly string[];
  /** `format_options`. */
  options: Readonly<Record<string, string>>;
  /** The webhook's template; null for every format but `template`. */
  template: string | null;
  /** The URL of Orchest's pages; null: messages have no link. */
  orchestUrl: string | null;
  deliveryUuid: string;
  /** Whether it is a test ping, which services that display only failures display, too. */
  isTest?: boolean;
};

/** A message, ready to be signed and sent. */
export type BuiltMessage = {
  /** The exact text that is signed and sent. */
  body: string;
  contentType: string;
  /** Additional headers. The names of those with secret values are in `secretHeaders`. */
  headers?: Record<string, string>;
  secretHeaders?: readonly string[];
  /** The path and query to add to the webhook's URL; absent: it is sent to that URL. */
  target?: { path: string; query: Record<string, string> };
};

/** The error of an event that cannot be a message of the format. Another attempt would fail in the same way. */
export class MessageError extends Error {
  override name = "MessageError";
}

/**
 * @returns the message of one delivery, or of a digest. Parses the event only for formats with a sentence or the
 *   event's type.
 * @throws {MessageError} for an event, or a stored template, of which no message can be built.
 * @throws for several events in a format without digests.
 */
export function buildMessage(input: MessageInput): BuiltMessage {
  const { format, others = [] } = input;
  if (others.length > 0 && !hasDigests(format)) {
    throw new Error(`A message of the format ${format} tells of one event.`);
  }
  try {
    return build(input);
  } catch (cause) {
    throw new MessageError(`The message cannot be built: ${String(cause)}`, { cause });
  }
}

/** Like `buildMessage`, but @returns a `MessageError` instead of throwing it. */
export function messageOrError(input: MessageInput): BuiltMessage | MessageError {
  try {
    return buildMessage(input);
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
}

function build(input: MessageInput): BuiltMessage {
  const { format, webhook, event, url } = input;
  if (format === "orchest") {
    const body = buildBody({ webhook, chat: chatServiceOf(url), event });
    return { body, contentType: webhook.contentType };
  }
  if (format === "cloudevents") return cloudEvent(input);
  if (format === "template") return templateMessage(input);
  return services[format](noticeOf(input, deliveredForOf(webhook)));
}

/** The formats of messages for people. */
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
