import { describe, expect, it } from "vitest";
import {
  formatOf,
  isDiscordHost,
  isGithubEndpoint,
  isSlackWorkflow,
  outlineOf,
  retiredUrl,
  serviceOf,
} from "../../../src/send/message/recognise-service";
import { forAll } from "../../for-all";

const workflow = "/workflows/8f3a/triggers/manual/paths/invoke?api-version=2016-06-01&sig=y";
const direct =
  "/powerautomate/automations/direct/workflows/8f3a/triggers/manual/paths/invoke?api-version=1&sig=y";
const environment = "https://default0a1b.36.environment.api";

/** URLs as the services give them out. */
const services = [
  ["https://hooks.slack.com/services/T0/B0/x", "slack"],
  ["https://hooks.slack.com/workflows/T0/A0/1/x", "slack"],
  ["https://hooks.slack.com/triggers/T0/1/x", "slack"],
  ["https://hooks.slack-gov.com/services/T0/B0/x", "slack"],
  ["https://HOOKS.SLACK.COM:443/services/T0/B0/x", "slack"],
  ["https://hooks.slack.com./services/T0/B0/x", "slack"],
  ["https://discord.com/api/webhooks/1/x", "discord"],
  ["https://discordapp.com/api/webhooks/1/x", "discord"],
  ["https://ptb.discord.com/api/webhooks/1/x", "discord"],
  ["https://canary.discord.com/api/webhooks/1/x?thread_id=2", "discord"],
  ["https://canary.discordapp.com/api/webhooks/1/x", "discord"],
  ["https://discord.com/api/v10/webhooks/1/x?wait=true", "discord"],
  ["https://discord.com/api/v10/webhooks/1/x/", "discord"],
  ["https://discord.com/api/webhooks/1/x/slack", "slack"],
  ["https://ptb.discord.com/api/v9/webhooks/1/x/slack?wait=true", "slack"],
  ["https://discord.com/api/webhooks/1/x/github", "discord"],
  ["https://acme.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d", "teams"],
  ["https://outlook.office.com/webhook/a@b/IncomingWebhook/c/d", "teams"],
  ["https://outlook.office365.com/webhook/a@b/IncomingWebhook/c/d", "teams"],
  ["https://acme.webhook.office365.us/webhookb2/a", "teams"],
  [`https://prod-01.westeurope.logic.azure.com:443${workflow}`, "teams"],
  [`https://prod-58.usgovtexas.logic.azure.us:443${workflow}`, "teams"],
  [`https://prod-01.chinaeast2.logic.azure.cn${workflow}`, "teams"],
  ["https://prod-1.westus.logic.azure.com/workflows/8f3a/triggers/Request/run?sig=y", "teams"],
  [`${environment}.powerplatform.com:443${direct}`, "teams"],
  [`${environment}.gov.powerplatform.microsoft.us${direct}`, "teams"],
  [`${environment}.high.powerplatform.microsoft.us${direct}`, "teams"],
  [`${environment}.appsplatform.us${direct}`, "teams"],
  [`${environment}.powerplatform.partner.microsoftonline.cn${direct}`, "teams"],
  ["https://chat.googleapis.com/v1/spaces/AAAA/messages?key=k&token=t", "google_chat"],
  ["https://chat.googleapis.com/v1/rooms/AAAA/messages?key=k&token=t", "google_chat"],
  ["https://acme.cloud.mattermost.com/hooks/ywzoftw9nj8ougbueyy4ds4t6y", "mattermost"],
  ["https://acme.rocket.chat/hooks/1/x", "mattermost"],
  ["https://api.telegram.org/bot1:x/sendMessage", "telegram"],
  ["https://api.telegram.org/bot1:x/sendmessage?chat_id=5", "telegram"],
  ["https://ntfy.sh/alerts", "ntfy"],
  ["https://ntfy.sh", "ntfy"],
  ["https://events.pagerduty.com/v2/enqueue", "pagerduty"],
  ["https://events.eu.pagerduty.com/v2/enqueue", "pagerduty"],
  ["https://api.opsgenie.com/v2/alerts", "opsgenie"],
  ["https://api.eu.opsgenie.com/v2/alerts", "opsgenie"],
  ["https://api.atlassian.com/jsm/ops/integration/v2/alerts", "opsgenie"],
] as const;

/** What only looks like one. */
const others = [
  "https://evil.example/?webhook.office.com",
  "https://evil.example/https://hooks.slack.com/services/T0/B0/x",
  "https://evil.example/#hooks.slack.com",
  "https://hooks.slack.com@evil.example/services/T0/B0/x",
  "https://hooks.slack.com.evil.example/services/T0/B0/x",
  "https://nothooks.slack.com/services/T0/B0/x",
  "http://hooks.slack.com/services/T0/B0/x",
  "https://hooks.slack.com:8443/services/T0/B0/x",
  "https://slack.com/services/T0",
  "https://discord.com/channels/1",
  "https://discord.com/api/webhooks/1",
  "https://discord.com/api/webhooks/1/x/messages/2",
  "https://evil-discord.com/api/webhooks/1/x",
  "https://discord.com.evil.example/api/webhooks/1/x",
  "https://fakewebhook.office.com/webhookb2/x",
  "https://webhook.office.com.evil.example/webhookb2/x",
  "https://outlook.office.com/mail/",
  "https://prod-01.westeurope.logic.azure.com/",
  `https://logic.azure.com.evil.example${workflow}`,
  `https://evillogic.azure.com${workflow}`,
  `${environment}.powerplatform.com/copilotstudio/bots/x`,
  "https://chat.googleapis.com/v1/spaces",
  "https://api.telegram.org/bot1:x/getMe",
  "https://ntfy.sh/docs/publish/",
  "https://events.pagerduty.com/v2/change/enqueue",
  "https://pagerduty.com/v2/enqueue",
  "https://api.opsgenie.com/v2/heartbeats",
  "https://mattermost.example.com/hooks/x",
  "not a url",
];

describe("a service", () => {
  it("is recognised in every spelling of its URLs", () =>
    forAll(services, (url, service) => expect(serviceOf(url)).toBe(service)));

  it("is never seen in another host, path, query, user name or port", () =>
    forAll(others, (url) => expect(serviceOf(url)).toBe("orchest")));
});

describe("the format", () => {
  it("is what was chosen, and by the URL only when it is automatic", () => {
    const url = "https://hooks.slack.com/services/T0/B0/x";
    expect(formatOf("auto", url)).toBe("slack");
    expect(formatOf("orchest", url)).toBe("orchest");
    expect(formatOf("teams", url)).toBe("teams");
    expect(formatOf("auto", "https://example.com/")).toBe("orchest");
  });

  it("of a form body stays Orchest's, unless another was chosen", () => {
    const url = "https://hooks.slack.com/services/T0/B0/x";
    expect(formatOf("auto", url, "application/x-www-form-urlencoded")).toBe("orchest");
    expect(formatOf("slack", url, "application/x-www-form-urlencoded")).toBe("slack");
  });
});

describe("a retired URL", () => {
  it("is told, with the way to its successor", () => {
    expect(retiredUrl("https://acme.webhook.office.com/webhookb2/x")).toContain("Workflows");
    expect(retiredUrl("https://outlook.office.com/webhook/x")).toContain("Workflows");
    expect(retiredUrl(`https://prod-01.westeurope.logic.azure.com:443${workflow}`)).toContain(
      "api.powerplatform.com",
    );
    expect(retiredUrl("https://discordapp.com/api/webhooks/1/x")).toContain("discord.com");
  });

  it("is no other one", () =>
    forAll(
      [
        `${environment}.powerplatform.com:443${direct}`,
        `${environment}.appsplatform.us${direct}`,
        `https://prod-58.usgovtexas.logic.azure.us${workflow}`,
        "https://prod-01.westeurope.logic.azure.com/other",
        "https://discord.com/api/webhooks/1/x",
        ...others,
      ],
      (url) => expect(retiredUrl(url)).toBeNull(),
    ));
});

it("Discord's hosts and Slack's workflows are told by the host, not by the path alone", () => {
  expect(isDiscordHost("https://ptb.discord.com/api/webhooks/1/x/slack")).toBe(true);
  expect(isDiscordHost("https://discord.com./api/webhooks/1/x/slack")).toBe(true);
  expect(isDiscordHost("https://hooks.slack.com/api/x")).toBe(false);
  expect(isDiscordHost("https://chat.example.com/api/webhooks/1/x/slack")).toBe(false);
  expect(isSlackWorkflow("https://hooks.slack.com/triggers/T0/1/x")).toBe(true);
  expect(isSlackWorkflow(outlineOf("https://hooks.slack-gov.com/workflows/T0/A0/1/x"))).toBe(true);
  expect(isSlackWorkflow("https://chat.example.com/triggers/T0/1/x")).toBe(false);
});

it("Discord's endpoint for GitHub's events is told from the others", () => {
  expect(isGithubEndpoint("https://discord.com/api/webhooks/1/x/github")).toBe(true);
  expect(isGithubEndpoint("https://discord.com/api/webhooks/1/x")).toBe(false);
  expect(isGithubEndpoint("https://example.com/api/webhooks/1/x/github")).toBe(false);
});

it("a URL's outline holds nothing of its secrets, and is of the same service's kind", () => {
  expect(outlineOf("https://hooks.slack.com/workflows/T0/A0/1/secret?x=y")).toBe(
    "https://hooks.slack.com/workflows/…/…/…/…",
  );
  expect(outlineOf("https://ntfy.sh/topic")).toBe("https://ntfy.sh/…");
  expect(outlineOf("https://ntfy.sh")).toBe("https://ntfy.sh/");
});
