/** The formats in the form of a webhook: what is recognised, the fields of a format, and the preview. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { decryptSettings, type SecretSettings } from "../../../src/platform/encryption";
import { readConfig } from "../../../src/platform/config";
import { findWebhook } from "../../../src/webhooks/webhooks";
import { makeWebhook, readWebhook } from "../../api";
import { forAll } from "../../for-all";
import { receiver } from "../../receiver";
import { secretOption } from "../../secrets";
import { fieldsOf } from "../form";
import { get, type Page, post } from "../page";
import { writer } from "./people";

const cron = "project:cron-job:run:pipeline-run:failed";
const slack = "https://hooks.slack.com/services/T000/typed";
const pagerduty = "https://events.pagerduty.com/v2/enqueue";
const masked = "********";

/** Sends the form at `path`, as it begins, with what someone typed; an undefined field is not in the form. */
async function send(
  path: string,
  typed: Record<string, string | undefined>,
  intent = "preview",
): Promise<Page> {
  const cookie = await writer();
  const fields = await fieldsOf((await get(path, cookie)).html, "webhook-form");
  for (const [name, value] of Object.entries({ ...typed, intent })) {
    if (value === undefined) fields.delete(name);
    else fields.set(name, value);
  }
  return post(path, fields, { cookie });
}

function type(typed: Record<string, string>, intent?: string): Promise<Page> {
  return send("/webhooks/new", typed, intent);
}

/** The texts of a part of the page, each on a line. */
function words(html: string, id: string): string {
  const from = html.indexOf(`id="${id}"`);
  const until = html.indexOf('<section class="card', from);
  return html
    .slice(from, until)
    .replaceAll(/<[^>]*>/g, "\n")
    .replaceAll(/\s*\n\s*/g, "\n");
}

async function settingsOf(uuid: string): Promise<SecretSettings> {
  const row = await findWebhook(env, uuid);
  if (row === null) throw new Error("There is no such webhook.");
  return decryptSettings(readConfig(env).encryptionKeys, uuid, row.encryptedSettings);
}

/** The webhook that an answer leads to. */
function madeBy({ status, headers }: Page): string {
  expect(status).toBe(303);
  return headers.get("Location")?.split("/").at(-1) ?? "";
}

describe("what the form says of a URL", () => {
  it("is which service was recognised, as the URL will be stored, or that its kind is retired", () =>
    forAll(
      [
        ["https://hooks.slack.com/services/x", "Slack recognised by the URL"],
        ["HTTPS://hooks.SLACK.com/x", "Slack recognised by the URL"],
        ["https://discord.com/api/webhooks/1/x", "Discord recognised by the URL"],
        ["https://discord.com/api/webhooks/1/x/slack", "Discord recognised by the URL"],
        [
          "https://a.1.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/1/triggers/manual/paths/invoke?sig=x",
          "Microsoft Teams recognised by the URL",
        ],
        [
          "https://prod-1.westus.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?sig=x",
          "Workflows of Teams have new URLs since November 2025",
        ],
        ["https://a.webhook.office.com/webhookb2/x", "Microsoft has retired this kind of URL"],
        [pagerduty, "PagerDuty recognised by the URL"],
      ] as const,
      async (url, sentence) => {
        const { html } = await type({ url });
        expect(words(html, "url-notice")).toContain(sentence);
      },
    ));

  it("is nothing where no service is behind it, whatever its query holds", () =>
    forAll(["", "nonsense", "https://hooks.example.com/?x=hooks.slack.com/services/x"], async (url) => {
      const { html } = await type({ url });
      expect(html).toMatch(/<div id="url-notice" role="status"><\/div>/);
    }));

  it("is that a service shows nothing of a form body, or of another service's format", async () => {
    const form = { content_type: "application/x-www-form-urlencoded" };
    expect(words((await type({ url: slack, ...form })).html, "url-notice")).toContain(
      "Slack does not show form bodies",
    );
    expect(words((await type({ url: slack, format: "discord" })).html, "url-notice")).toContain(
      "This is a URL of Slack, which does not show messages of the format Discord",
    );
  });
});

describe("the fields of a format", () => {
  it("are those of the service that the URL belongs to, or of the chosen format", () =>
    forAll(
      [
        [{ url: pagerduty }, ["option-routing_key", "option-severity"]],
        [{ url: "https://example.com", format: "ntfy" }, ["option-topic", "option-priority", "option-tags"]],
        [{ url: slack }, []],
        [{ url: slack, format: "template", template: "x" }, ["template", "option-content_type"]],
      ] as const,
      async (typed, names) => {
        for (const intent of ["preview", "format"]) {
          const fields = await fieldsOf((await type(typed, intent)).html, "webhook-form");
          const shown = [...fields.keys()].filter((name) => /^(?:option-|template)/.test(name));
          expect(shown).toEqual(names);
        }
      },
    ));

  it("are saved, and a missing one is named beside its field", async () => {
    const missing = await type({ url: pagerduty }, "save");
    expect(missing.status).toBe(400);
    expect(missing.html).toContain(
      '<a href="#option-routing_key">Integration key: Is required for PagerDuty.',
    );
    expect(missing.html).toMatch(
      /<p class="error" id="option-routing_key-error">Is required for PagerDuty\./,
    );

    const typed = { url: pagerduty, "option-routing_key": secretOption, "option-severity": "critical" };
    const uuid = madeBy(await type(typed, "save"));
    expect(await settingsOf(uuid)).toMatchObject({
      formatOptions: { routing_key: secretOption, severity: "critical" },
    });
    const { html } = await get(`/webhooks/${uuid}`, await writer());
    expect(html).toContain("<dd>routing_key, severity</dd>");
  });

  it("that are wrong are named, and nothing is made", () =>
    forAll(
      [
        [{ "option-routing_key": "two words" }, "option-routing_key", "Must be"],
        [{ "option-routing_key": "R".repeat(501) }, "option-routing_key", "at most 500 characters"],
        [
          { "option-routing_key": "R", "option-severity": "worst" },
          "option-severity",
          "Must be one of critical",
        ],
        [{ format: "template", template: " " }, "template", "Is required for the format template"],
        [{ format: "template", template: "{{#if x}}" }, "template", "Cannot be read, line 1"],
        [{ format: "irc" }, "format", "Must be one of auto"],
      ] as const,
      async (typed, field, rule) => {
        const { status, html } = await type({ url: pagerduty, ...typed }, "save");
        expect(status).toBe(400);
        expect(html).toContain(`<a href="#${field}">`);
        expect(html.slice(html.indexOf(`id="${field}-error"`))).toContain(rule);
      },
    ));

  it("of another format are left out, whatever stands in them", async () => {
    const uuid = madeBy(await type({ url: slack, "option-routing_key": "R", template: "x" }, "save"));
    const stored = await settingsOf(uuid);
    expect(stored).not.toHaveProperty("formatOptions");
    expect(stored).not.toHaveProperty("template");
  });
});

describe("editing a webhook with format options", () => {
  const options = { routing_key: secretOption, severity: "critical" };
  const make = () => makeWebhook({ url: pagerduty, format_options: options });

  it("shows no secret of them, and keeps them when nothing is typed", async () => {
    const { uuid } = await make();
    const path = `/webhooks/${uuid}/edit`;
    const fields = await fieldsOf((await get(path, await writer())).html, "webhook-form");
    expect(fields.get("option-routing_key")).toBe(masked);
    expect(fields.get("option-severity")).toBe("critical");
    await send(path, {}, "save");
    expect((await findWebhook(env, uuid))?.version).toBe(1);
    await send(path, { name: "New" }, "save");
    expect(await settingsOf(uuid)).toMatchObject({ formatOptions: options });
  });

  it("changes one, clears one, and drops all with another format", () =>
    forAll<[Record<string, string>, object | undefined]>(
      [
        [{ "option-severity": "info" }, { ...options, severity: "info" }],
        [{ "option-severity": "" }, { routing_key: secretOption }],
        [{ "option-routing_key": "N3W" }, { ...options, routing_key: "N3W" }],
        [{ format: "orchest" }, undefined],
        [{ url: slack }, undefined],
      ],
      async (typed, wanted) => {
        const { uuid } = await make();
        expect((await send(`/webhooks/${uuid}/edit`, typed, "save")).status).toBe(303);
        expect((await settingsOf(uuid)).formatOptions).toEqual(wanted);
      },
    ));

  it("asks for a credential again where the URL moves, and stores nothing", async () => {
    const { uuid } = await makeWebhook({ url: pagerduty, format: "pagerduty", format_options: options });
    const { status, html } = await send(
      `/webhooks/${uuid}/edit`,
      { url: "https://elsewhere.example.com/v2/enqueue" },
      "save",
    );
    expect(status).toBe(400);
    expect(html.slice(html.indexOf('id="option-routing_key-error"'))).toContain("Enter it again");
    expect(await settingsOf(uuid)).toMatchObject({ url: pagerduty, formatOptions: options });
  });

  it("saved twice, as with a second click, is saved once", async () => {
    const { uuid } = await make();
    const cookie = await writer();
    const path = `/webhooks/${uuid}/edit`;
    const fields = await fieldsOf((await get(path, cookie)).html, "webhook-form");
    fields.set("option-severity", "warning");
    fields.set("intent", "save");
    for (let click = 0; click < 2; click++) expect((await post(path, fields, { cookie })).status).toBe(303);
    expect((await findWebhook(env, uuid))?.version).toBe(2);
  });
});

describe("a template in the form", () => {
  it("is kept as it was typed, and shown to whoever may change it", async () => {
    const template = '  {"text": "{{title}}"}\n\n';
    const { uuid } = await makeWebhook({ format: "template", template });
    const path = `/webhooks/${uuid}/edit`;
    const fields = await fieldsOf((await get(path, await writer())).html, "webhook-form");
    expect(fields.get("template")).toBe(template);
    await send(path, { template: '{"t": 1}' }, "save");
    expect(await readWebhook(uuid)).toMatchObject({ format: "template", template: '{"t": 1}' });
  });

  it("is previewed before it is saved, or what is wrong with it is said", () =>
    forAll(
      [
        ['{"text": "{{title}}"}', "&quot;text&quot;: &quot;Nightly retraining failed in Churn prediction"],
        ["{{#if title}}", "The template cannot be read, line 1"],
        ["{{title}}", "The template makes no valid JSON"],
        ["", "Write a template"],
      ] as const,
      async (template, text) => {
        const { html } = await type({ url: slack, format: "template", template, "types-0": cron });
        expect(words(html, "preview")).toContain(text);
      },
    ));
});

describe("the preview", () => {
  it("shows what a digest will be, for services that have them", async () => {
    const url = "https://hooks.slack.com/services/x";
    const { html } = await type({ url, digest_s: "60" });
    const preview = words(html, "preview");
    expect(preview).toContain("The digest of 12 such events.");
    expect(preview).toMatch(/12 runs failed in Churn prediction\n/);
    expect(preview).toContain("and 2 more");
    for (const typed of [
      { url, digest_s: "" },
      { url, digest_s: "0" },
      { url, digest_s: "x" },
      { url: "https://example.com/", digest_s: "60" },
    ]) {
      expect(words((await type(typed)).html, "preview")).not.toContain("The digest of");
    }
  });

  const sentence = "Nightly retraining failed in Churn prediction: run 17, step Train model";

  it("is what each service shows, and on a locked phone", () =>
    forAll(
      [
        ["Slack", { url: slack }],
        ["Discord", { url: "https://discord.com/api/webhooks/1/x" }],
        ["Microsoft Teams", { url: "https://x.webhook.office.com/webhookb2/x" }],
        ["Google Chat", { url: "https://chat.googleapis.com/v1/spaces/A/messages?key=k" }],
        ["Mattermost or Rocket.Chat", { url: "https://chat.example.com/hooks/x", format: "mattermost" }],
        ["Telegram", { url: "https://api.telegram.org/bot1:x/sendMessage", "option-chat_id": "-1" }],
        ["ntfy", { url: "https://ntfy.sh/topic" }],
        ["PagerDuty", { url: pagerduty, "option-routing_key": "R" }],
        ["Opsgenie", { url: "https://api.opsgenie.com/v2/alerts", "option-api_key": "k" }],
      ] as const,
      async (service, typed) => {
        const { html } = await type({ ...typed, "types-0": cron });
        const preview = words(html, "preview");
        expect(preview).toContain(`The message in ${service} for`);
        expect(preview).toContain(`\nIn ${service}\n`);
        expect(preview.split(sentence).length).toBeGreaterThan(2);
        expect(preview).toContain("Failed step");
        // No JSON, and no style that the content security policy forbids.
        expect(preview).not.toMatch(/&quot;type&quot;|\{/);
        expect(html).not.toMatch(/<style| style=/);
      },
    ));

  it("is the body for every other format", () =>
    forAll(
      [
        [{ url: "" }, "&quot;delivered_for&quot;: {"],
        [{ url: "nonsense" }, "&quot;delivered_for&quot;: {"],
        [{ url: slack, format: "orchest" }, "&quot;delivered_for&quot;: {"],
        [{ url: slack, format: "cloudevents" }, "&quot;specversion&quot;: &quot;1.0&quot;"],
        [{ url: slack, content_type: "application/x-www-form-urlencoded" }, "delivered_for=%7B"],
      ] as const,
      async (typed, text) => {
        const preview = words((await type(typed)).html, "preview");
        expect(preview).toContain("The request body for");
        expect(preview).toContain(text);
      },
    ));

  it("is of the failure of a job run, or of the first type that is subscribed to", () =>
    forAll(
      [
        ["webhook:**", cron],
        ["project:environment:**", "project:environment:created"],
      ] as const,
      async (types, shown) => {
        const { html } = await type({ url: slack, "types-0": types });
        expect(html).toContain(`<code>${shown}</code>`);
      },
    ));

  it("of a stored webhook is that of its URL, and holds nothing of its secrets", async () => {
    receiver();
    const { uuid } = await makeWebhook({ url: pagerduty, format_options: { routing_key: secretOption } });
    const { html } = await get(`/webhooks/${uuid}/edit`, await writer());
    expect(words(html, "preview")).toContain("The message in PagerDuty for");
    expect(html).not.toContain(secretOption);
  });
});
