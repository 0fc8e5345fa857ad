/**
 * Recognises the service of a webhook's URL by its parsed host and path, so that a service's name in the query or in
 * the user name has no effect.
 */
import { hostOf } from "../../platform/host-name";
import type { Format, ServiceFormat } from "./formats";

/** `host` in lower case without a trailing dot; `path` as the URL has it. */
type Place = { host: string; path: string };

type Rule = { format: ServiceFormat; matches: (place: Place) => boolean };

/** GovSlack has a host of its own (docs.slack.dev, "GovSlack"). */
const slackHosts = new Set(["hooks.slack.com", "hooks.slack-gov.com"]);

/** The clients of two release channels give URLs with a host of their own. `discordapp.com` was the name until 2020. */
const discordHost = /^(?:canary\.|ptb\.)?discord(?:app)?\.com$/;
/** docs.discord.com, "Execute Webhook". The version may be left out ("API Versioning"). */
const discordPath = /^\/api(?:\/v\d+)?\/webhooks\/[^/]+\/[^/]+\/?$/;
/** docs.discord.com, "Execute Slack-Compatible Webhook" and "Execute GitHub-Compatible Webhook". */
const discordSlackPath = /^\/api(?:\/v\d+)?\/webhooks\/[^/]+\/[^/]+\/slack\/?$/;
const discordGithubPath = /^\/api(?:\/v\d+)?\/webhooks\/[^/]+\/[^/]+\/github\/?$/;

/**
 * Workflows of Teams (Power Automate), in the public cloud and in those of governments and China. URLs until 2025:
 * learn.microsoft.com, "Azure Logic Apps: limits and configuration". URLs since 2025: learn.microsoft.com, "Power
 * Platform URLs and IP address ranges".
 */
const workflowHost =
  /\.(?:logic\.azure\.(?:com|us|cn)|api\.(?:powerplatform\.com|(?:gov|high)\.powerplatform\.microsoft\.us|appsplatform\.us|powerplatform\.partner\.microsoftonline\.cn))$/;
/** The public cloud's host of URLs until 2025. Azure's own logic apps still have it. */
const oldWorkflowHost = /\.logic\.azure\.com$/;
const workflowPath = /\/workflows\/[^/]+\/triggers\/[^/]+\//i;

/** Connectors of Office 365, which Microsoft has retired. */
const connectorHost = /(?:^|\.)(?:webhook\.office\.com|webhook\.office365\.(?:com|us))$/;
const oldConnectorHost = /^outlook\.office(?:365)?\.(?:com|us)$/;

const rules: readonly Rule[] = [
  { format: "slack", matches: ({ host, path }) => slackHosts.has(host) && path !== "/" },
  { format: "slack", matches: ({ host, path }) => discordHost.test(host) && discordSlackPath.test(path) },
  {
    format: "discord",
    matches: ({ host, path }) =>
      discordHost.test(host) && (discordPath.test(path) || discordGithubPath.test(path)),
  },
  { format: "teams", matches: ({ host, path }) => workflowHost.test(host) && workflowPath.test(path) },
  { format: "teams", matches: isConnectorPlace },
  {
    // developers.google.com/workspace/chat/quickstart/webhooks. Spaces were called rooms before.
    format: "google_chat",
    matches: ({ host, path }) =>
      host === "chat.googleapis.com" && /^\/v1\/(?:spaces|rooms|dms)\/[^/]+\/messages\/?$/.test(path),
  },
  {
    // Self-hosted servers can have any host: only the hosted ones of Mattermost and Rocket.Chat are recognised.
    format: "mattermost",
    matches: ({ host, path }) =>
      /\.(?:cloud\.mattermost\.com|rocket\.chat)$/.test(host) && /^\/hooks\/./.test(path),
  },
  {
    // core.telegram.org/bots/api, "Making requests". Method names are case-insensitive; `/test` is the test
    // environment.
    format: "telegram",
    matches: ({ host, path }) =>
      host === "api.telegram.org" && /^\/bot[^/]+\/(?:test\/)?sendmessage\/?$/i.test(path),
  },
  {
    // docs.ntfy.sh/publish: the URL of a topic, or the root for JSON.
    format: "ntfy",
    matches: ({ host, path }) => host === "ntfy.sh" && /^\/[-\w]{0,64}$/.test(path),
  },
  {
    // developer.pagerduty.com, "Send an event"; support.pagerduty.com, "Service regions".
    format: "pagerduty",
    matches: ({ host, path }) =>
      /^events(?:\.eu)?\.pagerduty\.com$/.test(host) && /^\/v2\/enqueue\/?$/.test(path),
  },
  {
    // docs.opsgenie.com/docs/alert-api. Jira Service Management has the same API, with Atlassian's host.
    format: "opsgenie",
    matches: ({ host, path }) =>
      (/^api(?:\.eu|\.sandbox)?\.opsgenie\.com$/.test(host) && /^\/v2\/alerts\/?$/.test(path)) ||
      (/^api(?:\.eu)?\.atlassian\.com$/.test(host) && /^\/jsm\/ops\/integration\/v2\/alerts\/?$/.test(path)),
  },
];

/**
 * @param url absolute, as it is stored.
 * @returns the format of the URL's service; `orchest` when none is recognised.
 */
export function serviceOf(url: string): ServiceFormat {
  const place = placeOf(url);
  if (place === null) return "orchest";
  return rules.find(({ matches }) => matches(place))?.format ?? "orchest";
}

/**
 * @returns the format of a webhook's messages. `auto` with the content type of forms is `orchest`, whose form body has
 *   exactly two fields.
 */
export function formatOf(format: Format, url: string, contentType?: string): ServiceFormat {
  if (format !== "auto") return format;
  return contentType === "application/x-www-form-urlencoded" ? "orchest" : serviceOf(url);
}

/**
 * @returns for a retired kind of URL, sentences that tell people so and how to get a new one; null for every other URL.
 */
export function retiredUrl(url: string): string | null {
  const place = placeOf(url);
  if (place === null) return null;
  if (isConnectorPlace(place)) {
    return (
      "Microsoft has retired this kind of URL, an Office 365 connector. In Teams, open the channel's menu, choose Workflows and " +
      "“Send webhook alerts to a channel”, and put the URL that it gives you here."
    );
  }
  // The old URLs ended on 30 November 2025 (learn.microsoft.com, "Changes to HTTP or Teams webhook trigger flows").
  if (oldWorkflowHost.test(place.host) && workflowPath.test(place.path)) {
    return (
      "Workflows of Teams have new URLs since November 2025: open the workflow's trigger in Power Automate, and copy " +
      "its URL (…api.powerplatform.com) here. Only a logic app of Azure's own keeps this kind of URL."
    );
  }
  if (/^(?:canary\.|ptb\.)?discordapp\.com$/.test(place.host)) {
    return "discordapp.com is Discord's old name: replace it by discord.com in this URL.";
  }
  return null;
}

/** Whether a URL is one of a connector of Office 365, which displays the text of a message beside its card. */
export function isConnector(url: string): boolean {
  const place = placeOf(url);
  return place !== null && isConnectorPlace(place);
}

/** Whether a URL is one of Discord, also of its endpoints that accept other services' messages. */
export function isDiscordHost(url: string): boolean {
  const place = placeOf(url);
  return place !== null && discordHost.test(place.host);
}

/** Whether a URL is one of Slack's Workflow Builder. */
export function isSlackWorkflow(url: string): boolean {
  const place = placeOf(url);
  return place !== null && slackHosts.has(place.host) && /^\/(?:workflows|triggers)\//.test(place.path);
}

/** Whether a URL is Discord's endpoint for GitHub's events, which displays no others. */
export function isGithubEndpoint(url: string): boolean {
  const place = placeOf(url);
  return place !== null && discordHost.test(place.host) && discordGithubPath.test(place.path);
}

/**
 * Removes the secrets from a URL but keeps the parts that a message depends on: unknown path segments become `…`.
 * @returns a URL for `buildMessage`, for callers that do not have the real one.
 */
export function outlineOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return url;
  const segments = parsed.pathname.split("/").map((segment) => (isOrdinary(segment) ? segment : "…"));
  return parsed.origin + segments.join("/");
}

function isOrdinary(segment: string): boolean {
  return /^(?:|services|workflows|triggers|api|v\d+|webhooks?|webhookb2|slack|enqueue|alerts)$/.test(segment);
}

function isConnectorPlace({ host, path }: Place): boolean {
  return (
    (connectorHost.test(host) && path !== "/") ||
    (oldConnectorHost.test(host) && /^\/webhook(?:b2)?\//.test(path))
  );
}

/**
 * @returns null for a URL that cannot belong to a service, because services have only https URLs with the default port.
 */
function placeOf(url: string): Place | null {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.protocol !== "https:" || parsed.port !== "") return null;
  return { host: hostOf(parsed), path: parsed.pathname };
}
