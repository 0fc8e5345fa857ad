import { describe, expect, it } from "vitest";
import { checkFormatOptions, maskOptions, optionsOf } from "../../../src/send/message/format-options";
import { formats } from "../../../src/send/message/formats";
import { forAll } from "../../for-all";

const telegram = "https://api.telegram.org/bot1:x/sendMessage";
const enqueue = "https://events.pagerduty.com/v2/enqueue";
const alerts = "https://api.opsgenie.com/v2/alerts";

describe("the options of a format", () => {
  it("are taken when they are right", () =>
    forAll(
      [
        ["slack", {}, "https://hooks.slack.com/services/x"],
        ["discord", { thread_name: "Failures" }, "https://discord.com/api/webhooks/1/x"],
        ["telegram", { chat_id: "-1001234567890" }, telegram],
        ["telegram", { chat_id: "@orchest_news", message_thread_id: "7" }, telegram],
        ["telegram", {}, `${telegram}?chat_id=5`],
        ["ntfy", {}, "https://ntfy.sh/topic"],
        ["ntfy", { topic: "topic", priority: "max", tags: "a, b" }, "https://ntfy.example.com/"],
        ["pagerduty", { routing_key: "R0123456789012345678901234567890", severity: "critical" }, enqueue],
        ["opsgenie", { api_key: "eb243592-faa2-4ba2-a551q-1afdf565c889", priority: "P1" }, alerts],
        ["opsgenie", {}, `${alerts}?apiKey=x`],
        ["cloudevents", { source: "https://orchest.example.com/" }, "https://example.com/"],
        ["template", { content_type: "text/plain" }, "https://example.com/"],
      ] as const,
      (format, options, url) => expect(checkFormatOptions(format, options, url)).toBeNull(),
    ));

  it("are refused with the field's name and what is allowed", () =>
    forAll(
      [
        ["telegram", {}, telegram, /^format_options\.chat_id is required for Telegram\. /],
        ["telegram", { chat_id: "" }, telegram, /chat_id is required/],
        ["telegram", { chat_id: "my chat" }, telegram, /chat_id must be a number or @name/],
        ["ntfy", {}, "https://ntfy.sh/", /^format_options\.topic is required/],
        ["ntfy", { topic: "a/b" }, "https://ntfy.sh/", /topic must be at most 64/],
        ["ntfy", { priority: "11" }, "https://ntfy.sh/t", /priority must be one of min, low/],
        ["pagerduty", {}, enqueue, /^format_options\.routing_key is required for PagerDuty/],
        ["pagerduty", { routing_key: "a\r\nb" }, enqueue, /routing_key must be/],
        ["opsgenie", {}, alerts, /^format_options\.api_key is required/],
        [
          "slack",
          { channel: "#x" },
          "https://hooks.slack.com/services/x",
          /channel is no option of Slack: it has none/,
        ],
        ["pagerduty", { routing: "x" }, enqueue, /allowed are routing_key, severity/],
        ["discord", { thread_name: "x".repeat(101) }, "https://discord.com/api/webhooks/1/x", /at most 100/],
        ["discord", {}, "https://discord.com/api/webhooks/1/x/github", /^url ends with \/github/],
        ["cloudevents", { source: "x".repeat(501) }, "https://example.com/", /at most 500/],
      ] as const,
      (format, options, url, reason) => expect(checkFormatOptions(format, options, url)).toMatch(reason),
    ));

  it("that are secret are masked, and no others", () => {
    const options = { routing_key: "R0", severity: "critical" };
    expect(maskOptions("pagerduty", options, "•")).toEqual({ routing_key: "•", severity: "critical" });
  });

  it("have a label and help for people", () => {
    const all = formats.flatMap((format) => (format === "auto" ? [] : optionsOf(format)));
    expect(all.every(({ label, help }) => label !== "" && help !== "")).toBe(true);
  });
});
