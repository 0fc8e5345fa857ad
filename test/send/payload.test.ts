import { describe, expect, it } from "vitest";
import { buildBody, chatServiceOf } from "../../src/send/payload";

const webhook = {
  uuid: "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d",
  name: "Alerts",
  verifySsl: true,
  contentType: "application/json",
} as const;
const deliveredFor = {
  name: "Alerts",
  verify_ssl: true,
  content_type: "application/json",
  uuid: webhook.uuid,
  type: "webhook",
};
const discordCharactersMax = 2000;

/** What Discord is told to show of an event. */
function contentOf(event: string): string {
  const { content } = JSON.parse(buildBody({ webhook, chat: "discord", event })) as { content: string };
  return content;
}

/** An event that makes Discord's text so long, when nothing of it is shortened. */
function eventOfLength(length: number, filler = "x"): string {
  const shown = JSON.stringify({ delivered_for: deliveredFor, event: { note: "" } }, null, 1);
  return JSON.stringify({ note: filler.repeat((length - shown.length) / filler.length) });
}

describe("a chat service", () => {
  it.each([
    ["https://hooks.slack.com/services/T/B/x", "slack"],
    ["https://discord.com/api/webhooks/1/x", "discord"],
    ["https://acme.webhook.office.com/webhookb2/x", "teams"],
    ["https://hooks.slack.com.example.com/services", null],
    ["http://hooks.slack.com/services/T/B/x", null],
    ["https://discord.com/channels/1", null],
    ["https://example.com/https://hooks.slack.com/", null],
  ])("is recognised by its URL: %s", (url, chat) => {
    expect(chatServiceOf(url)).toBe(chat);
  });
});

describe("the text for Slack and Teams", () => {
  it.each(["slack", "teams"] as const)("is all of the body, however long (%s)", (chat) => {
    const event = { uuid: "1", list: [], nested: { deep: [1, { a: null }] }, note: "x".repeat(50_000) };
    const body = JSON.parse(buildBody({ webhook, chat, event: JSON.stringify(event) })) as { text: string };
    expect(body.text).toBe(JSON.stringify({ delivered_for: deliveredFor, event }, null, 1));
  });

  it("can be made of an event that is nested as deep as one may be", () => {
    const levels = 50_000;
    const event = `{"deep":${"[".repeat(levels)}${"]".repeat(levels)}}`;
    for (const chat of ["slack", "discord"] as const) {
      expect(buildBody({ webhook, chat, event }).length).toBeLessThan(2 ** 24);
    }
  });
});

describe("the text for Discord", () => {
  it("is all of the body when it takes exactly 2,000 characters", () => {
    const content = contentOf(eventOfLength(discordCharactersMax));
    expect(content).toHaveLength(discordCharactersMax);
    expect(JSON.parse(content)).toMatchObject({ delivered_for: deliveredFor });
  });

  it("first leaves out what the webhook's uuid and name do not need", () => {
    const content = contentOf(eventOfLength(discordCharactersMax + 1));
    expect(JSON.parse(content)).toMatchObject({ delivered_for: { uuid: webhook.uuid, name: "Alerts" } });
    expect(content).not.toContain("verify_ssl");
  });

  it("is then cut at 2,000 characters", () => {
    const content = contentOf(eventOfLength(5000));
    expect(content).toHaveLength(discordCharactersMax);
    expect(content).toMatch(/xxx\.\.\.$/);
  });

  it.each([0, 1])("is never cut inside a character that takes two (%i before it)", (offset) => {
    const event = JSON.stringify({ pad: "x".repeat(offset), note: "🔥".repeat(2000) });
    const content = contentOf(event);
    expect(content.length).toBeLessThanOrEqual(discordCharactersMax);
    expect(content.isWellFormed()).toBe(true);
  });

  it("leaves the event itself as it is", () => {
    const event = eventOfLength(5000);
    expect(buildBody({ webhook, chat: "discord", event })).toContain(`"event":${event},"content":`);
  });
});
