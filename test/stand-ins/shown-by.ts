/** Hands messages to the stand-ins of their services. */
import { type BuiltMessage, buildMessage, type MessageInput } from "../../src/send/message/build-message";
import type { ServiceFormat } from "../../src/send/message/formats";
import { discord, discordSlack } from "./discord";
import { googleChat } from "./google-chat";
import { mattermost } from "./mattermost";
import { ntfy } from "./ntfy";
import { opsgenie } from "./opsgenie";
import { pagerduty } from "./pagerduty";
import { rocketChat } from "./rocket-chat";
import { slack } from "./slack";
import { teams } from "./teams";
import { telegram } from "./telegram";
import type { ServiceAnswer, StandIn } from "./types";

/** A service as a webhook of it is set up. */
export type Service = {
  format: ServiceFormat;
  url: string;
  options?: Record<string, string>;
  standIn: StandIn;
};

/** Each service, in each form that it has. */
export const services: Record<string, Service> = {
  slack: { format: "slack", url: "https://hooks.slack.com/services/T0/B0/x", standIn: slack },
  "a Slack workflow": { format: "slack", url: "https://hooks.slack.com/triggers/T0/1/x", standIn: slack },
  discord: { format: "discord", url: "https://discord.com/api/webhooks/1/x", standIn: discord },
  "Discord's endpoint for Slack": {
    format: "slack",
    url: "https://discord.com/api/webhooks/1/x/slack",
    standIn: discordSlack,
  },
  teams: {
    format: "teams",
    url: "https://prod-01.westeurope.logic.azure.com/workflows/x/triggers/manual/paths/invoke?sig=y",
    standIn: teams,
  },
  "a Teams connector": {
    format: "teams",
    url: "https://acme.webhook.office.com/webhookb2/x",
    standIn: teams,
  },
  google_chat: {
    format: "google_chat",
    url: "https://chat.googleapis.com/v1/spaces/AAAA/messages?key=k&token=t",
    standIn: googleChat,
  },
  mattermost: { format: "mattermost", url: "https://acme.cloud.mattermost.com/hooks/x", standIn: mattermost },
  "Rocket.Chat": { format: "mattermost", url: "https://acme.rocket.chat/hooks/1/x", standIn: rocketChat },
  telegram: {
    format: "telegram",
    url: "https://api.telegram.org/bot1:x/sendMessage",
    options: { chat_id: "-1001" },
    standIn: telegram,
  },
  ntfy: { format: "ntfy", url: "https://ntfy.sh/topic", options: { tags: "orchest" }, standIn: ntfy },
  "ntfy's root": { format: "ntfy", url: "https://ntfy.sh/", options: { topic: "topic" }, standIn: ntfy },
  pagerduty: {
    format: "pagerduty",
    url: "https://events.pagerduty.com/v2/enqueue",
    options: { routing_key: "R0123456789012345678901234567890" },
    standIn: pagerduty().standIn,
  },
  opsgenie: {
    format: "opsgenie",
    url: "https://api.opsgenie.com/v2/alerts",
    options: { api_key: "eb243592-faa2-4ba2" },
    standIn: opsgenie().standIn,
  },
};

export const orchestUrl = "https://orchest.example.com/";

/** What `buildMessage` gets for an event of a service. */
export function inputOf({ format, url, options = {} }: Service, event: unknown): MessageInput {
  const webhook = {
    uuid: "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d",
    name: "Alerts",
    verifySsl: true,
    contentType: "application/json",
  } as const;
  const deliveryUuid = "0b9a5b8e-3a7e-8b57-9a3f-000000000001";
  return {
    format,
    url,
    options,
    webhook,
    event: JSON.stringify(event),
    template: null,
    orchestUrl,
    deliveryUuid,
  };
}

/** Builds an event's message and hands it to its service, as the sender does. */
export function send(service: Service, event: unknown, changes: Partial<MessageInput> = {}): ServiceAnswer {
  return hand(service, buildMessage({ ...inputOf(service, event), ...changes }));
}

/** Hands a message to its service. */
export function hand(
  { url, standIn }: Service,
  { body, contentType, headers, target }: BuiltMessage,
): ServiceAnswer {
  const sentTo = new URL(url);
  if (target !== undefined) {
    sentTo.pathname += target.path;
    for (const [name, value] of Object.entries(target.query)) sentTo.searchParams.set(name, value);
  }
  return standIn({
    url: sentTo.href,
    headers: new Headers({ ...headers, "Content-Type": contentType }),
    body,
  });
}
