/** The formats of messages. */

/**
 * `auto`: the format of the service that the URL belongs to, or `orchest`. `orchest`: exactly Orchest's envelope.
 * `cloudevents` and `template`: formats of no particular service. The others: a message that the service displays to
 * people.
 */
export const formats = [
  "auto",
  "orchest",
  "slack",
  "discord",
  "teams",
  "google_chat",
  "mattermost",
  "telegram",
  "ntfy",
  "pagerduty",
  "opsgenie",
  "cloudevents",
  "template",
] as const;

/** A webhook's setting `format`. */
export type Format = (typeof formats)[number];

/** The format of a message: `formatOf` resolves `auto`. */
export type ServiceFormat = Exclude<Format, "auto">;

/** The display name of each format. */
export const formatNames: Record<Format, string> = {
  auto: "Automatic, by the URL",
  orchest: "Orchest (signed JSON)",
  slack: "Slack",
  discord: "Discord",
  teams: "Microsoft Teams",
  google_chat: "Google Chat",
  mattermost: "Mattermost or Rocket.Chat",
  telegram: "Telegram",
  ntfy: "ntfy",
  pagerduty: "PagerDuty",
  opsgenie: "Opsgenie",
  cloudevents: "CloudEvents",
  template: "Template",
};
