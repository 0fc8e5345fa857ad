/** In which form a webhook gets its events. */

/**
 * `auto`: the form of the service that the URL belongs to, or `orchest`. `orchest`: the contract's envelope, exactly.
 * `cloudevents` and `template`: forms that belong to no service. The others: a message that the service shows to people.
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

/** What a delivery is built as: `auto` is resolved by `formatOf`. */
export type ServiceFormat = Exclude<Format, "auto">;

/** What people call each format. */
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
