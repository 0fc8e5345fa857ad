import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { readLaneConfig } from "../../../src/lane/lane-configs";
import { decryptSettings, type SecretSettings } from "../../../src/platform/encryption";
import { readConfig } from "../../../src/platform/config";
import { formats } from "../../../src/send/message/formats";
import { findWebhook } from "../../../src/webhooks/webhooks";
import {
  type Answer,
  api,
  makeWebhook,
  notifications,
  readWebhook,
  spec,
  type WebhookAnswer,
} from "../../api";
import { makeEvent, makeListener, publish } from "../../event";
import { forAll } from "../../for-all";
import { receiver } from "../../receiver";
import { hmacHex } from "../../sign";
import { rowCounts } from "../../row-counts";
import { secretOption } from "../../secrets";

const path = `${notifications}/subscribers/webhooks`;
const masked = "********";
const pagerduty = { url: "https://events.pagerduty.com/v2/enqueue", format: "pagerduty" };
const withKey = { ...pagerduty, format_options: { routing_key: secretOption } };
const withTemplate = { format: "template", template: '{"text": "{{title}}"}' };

function put(uuid: string, changes: unknown): Promise<Answer<{ message: string }>> {
  return api("PUT", `${path}/${uuid}`, changes);
}

async function settingsOf(uuid: string): Promise<SecretSettings> {
  const row = await findWebhook(env, uuid);
  if (row === null) throw new Error("There is no such webhook.");
  return decryptSettings(readConfig(env).encryptionKeys, uuid, row.encryptedSettings);
}

/** Checks that neither a new webhook nor a change may have these settings. */
async function expectRefused(settings: object, message: RegExp, made: WebhookAnswer): Promise<void> {
  for (const answer of [
    await api("POST", path, { ...spec, ...settings }),
    await put(made.uuid, { name: "New", ...settings }),
  ]) {
    expect(answer).toMatchObject({ status: 400, body: { message: expect.stringMatching(message) } });
  }
}

describe("a webhook's format", () => {
  it("is auto, without options and template, for a client that knows none of them", async () => {
    const made = await makeWebhook();
    expect(made).toMatchObject({ format: "auto", format_options: {}, template: null });
    expect(await makeWebhook({ format: null, format_options: null, template: null })).toMatchObject({
      format: "auto",
      format_options: {},
      template: null,
    });
    const { url: _origin, ...sentBack } = made;
    expect((await put(made.uuid, sentBack)).status).toBe(200);
    expect(await readWebhook(made.uuid)).toEqual(made);
    const stored = await settingsOf(made.uuid);
    expect(stored).not.toHaveProperty("formatOptions");
    expect(stored).not.toHaveProperty("template");
  });

  it("may be each of the formats, when it is made and in a change, and its lane learns of it", async () => {
    const needs: Record<string, object> = {
      pagerduty: { format_options: { routing_key: "R0UT1NG" } },
      telegram: { format_options: { chat_id: "-100123" } },
      opsgenie: { format_options: { api_key: "k-1" } },
      ntfy: { format_options: { topic: "orchest" } },
      template: { template: '{"text": "{{title}}"}' },
    };
    await forAll(formats, async (format) => {
      const changes = { format, ...needs[format] };
      expect(await makeWebhook(changes)).toMatchObject({ format });
      const { uuid } = await makeWebhook({ format: "orchest" });
      expect(await put(uuid, changes)).toMatchObject({ status: 200 });
      expect(await readWebhook(uuid)).toMatchObject({ format });
      expect(await readLaneConfig(env.DB, uuid)).toMatchObject({ format });
    });
  });

  it("may be nothing else, and nothing is made or changed", async () => {
    const made = await makeWebhook({ format: "orchest" });
    const before = await rowCounts();
    await forAll<[object, RegExp]>(
      [
        [{ format: "irc" }, /^format: must be one of auto, orchest, slack, /],
        [{ format: "Slack" }, /^format: must be one of/],
        [{ format: 3 }, /^format: must be one of/],
        [pagerduty, /^format_options\.routing_key: is required for PagerDuty/],
        [{ ...pagerduty, format: "auto" }, /^format_options\.routing_key: is required for PagerDuty/],
        [{ format: "telegram" }, /^format_options\.chat_id: is required/],
        [
          { format: "slack", format_options: { routing_key: "R" } },
          /^format_options\.routing_key: is no option/,
        ],
        [{ format_options: { a: "b" } }, /^format_options\.a: is no option/],
        [{ format_options: { "a b": "c" } }, /^format_options\.a b: an option's name must be at most 40/],
        [{ format_options: { A: "c" } }, /^format_options\.A: an option's name must be/],
        [{ format_options: { ["a".repeat(41)]: "c" } }, /^format_options\.a+: an option's name must be/],
        [{ format_options: "text" }, /^format_options\.0: an option's name/],
        [{ format_options: ["x"] }, /^format_options\.0: an option's name/],
        [{ format_options: 5 }, /^format_options: must be an object/],
        [
          { ...pagerduty, format_options: { routing_key: 5 } },
          /^format_options\.routing_key: an option's value must be a string/,
        ],
        [
          { ...pagerduty, format_options: { routing_key: {} } },
          /^format_options\.routing_key: an option's value must be a string/,
        ],
        [
          { ...pagerduty, format_options: { routing_key: "R".repeat(501) } },
          /^format_options\.routing_key: .*at most 500/,
        ],
        [
          { ...pagerduty, format_options: { routing_key: masked } },
          /^format_options\.routing_key: enter it again/,
        ],
        [
          { format_options: Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`o${at}`, "x"])) },
          /^format_options: must be at most 20/,
        ],
        [{ format: "template" }, /^template: is required for the format template/],
        [{ format: "template", template: " " }, /^template: is required/],
        [{ format: "template", template: masked }, /^template: is required/],
        [{ format: "template", template: "x".repeat(10_001) }, /^template: must be at most 10000/],
        [{ format: "template", template: "{{#if title}}" }, /^template: cannot be read, line 1: /],
        [
          { format: "template", template: "{{{title}}}" },
          /^template: cannot be used, line 1: \{\{\{ is not allowed/,
        ],
        [{ format: "template", template: "{{title}}" }, /^template: makes no valid JSON of an event of/],
        [{ template: "x" }, /^template: is used only with the format template/],
        [{ format: "slack", template: "x" }, /^template: is used only with the format template/],
      ],
      (settings, message) => expectRefused(settings, message, made),
    );
    expect(await rowCounts()).toEqual(before);
    expect(await readWebhook(made.uuid)).toEqual(made);
  });
});

describe("format_options", () => {
  it("are shown masked, stored encrypted and named in the audit log", async () => {
    const made = await makeWebhook(withKey);
    expect(made.format_options).toEqual({ routing_key: masked });
    expect(await settingsOf(made.uuid)).toMatchObject({ formatOptions: { routing_key: secretOption } });
    await put(made.uuid, { format_options: { routing_key: `${secretOption}2`, severity: "critical" } });
    expect(await settingsOf(made.uuid)).toMatchObject({
      formatOptions: { routing_key: `${secretOption}2`, severity: "critical" },
    });
    const { text } = await api("GET", "/api/audit");
    expect(text).toContain("format_options");
    const { results } = await env.DB.prepare("SELECT * FROM webhooks").all();
    expect(JSON.stringify(results)).not.toContain(secretOption);
    expect(JSON.stringify(results)).not.toContain("critical");
    const lists = await api("GET", `${notifications}/subscribers`);
    expect(lists.text).toContain('"format_options":{"routing_key":"********","severity":"********"}');
  });

  it("are kept when they are sent back masked or not at all, and removed when left out or null", async () => {
    const both = { routing_key: secretOption, severity: "critical" };
    await forAll<[string, object, object | undefined]>(
      [
        ["not sent", { name: "New" }, both],
        ["sent back", { format_options: { routing_key: masked, severity: masked } }, both],
        [
          "one is new",
          { format_options: { routing_key: masked, severity: "info" } },
          { ...both, severity: "info" },
        ],
        ["one is left out", { format_options: { routing_key: masked } }, { routing_key: secretOption }],
        [
          "one is null",
          { format_options: { routing_key: masked, severity: null } },
          { routing_key: secretOption },
        ],
        [
          "one is empty",
          { format_options: { routing_key: masked, severity: "" } },
          { routing_key: secretOption },
        ],
        ["another path", { url: "https://events.pagerduty.com/v2/enqueue/" }, both],
        ["the same format", { format: "auto" }, both],
        ["another format", { format: "orchest" }, undefined],
        ["no options and another format", { format: "orchest", format_options: null }, undefined],
      ],
      async (_, changes, wanted) => {
        const { uuid } = await makeWebhook({ ...withKey, format_options: both });
        expect(await put(uuid, changes)).toMatchObject({ status: 200 });
        expect((await settingsOf(uuid)).formatOptions).toEqual(wanted);
        expect((await readWebhook(uuid)).format_options).toEqual(
          Object.fromEntries(Object.keys(wanted ?? {}).map((name) => [name, masked])),
        );
      },
    );
  });

  it("that are required cannot be removed", async () => {
    const { uuid } = await makeWebhook(withKey);
    for (const format_options of [null, {}, { routing_key: null }, { routing_key: "" }]) {
      expect((await put(uuid, { format_options })).body.message).toMatch(
        /^format_options\.routing_key: is required for PagerDuty/,
      );
    }
    expect(await settingsOf(uuid)).toMatchObject({ formatOptions: { routing_key: secretOption } });
  });

  it("that are optional are cleared by null alone", async () => {
    const { uuid } = await makeWebhook({ format: "discord", format_options: { thread_name: "Runs" } });
    expect((await put(uuid, { format_options: null })).status).toBe(200);
    expect((await readWebhook(uuid)).format_options).toEqual({});
  });

  it("that are credentials are sent to no other origin than the one that they were entered for", async () => {
    const { uuid } = await makeWebhook({
      ...withKey,
      format_options: { routing_key: secretOption, severity: "info" },
    });
    const elsewhere = "https://elsewhere.example.com/v2/enqueue";
    for (const sent of [{}, { format_options: { routing_key: masked } }]) {
      expect((await put(uuid, { url: elsewhere, ...sent })).body.message).toMatch(
        /^format_options\.routing_key: enter it again/,
      );
    }
    const again = { routing_key: `${secretOption}3`, severity: masked };
    expect((await put(uuid, { url: elsewhere, format_options: again })).status).toBe(200);
    expect(await settingsOf(uuid)).toMatchObject({
      url: elsewhere,
      formatOptions: { routing_key: `${secretOption}3`, severity: "info" },
    });
  });

  it("do not stand in the way of other changes of a webhook of before", async () => {
    const { uuid } = await makeWebhook({ url: pagerduty.url, format: "orchest" });
    await env.DB.prepare("UPDATE webhooks SET format = 'auto'").run();
    const fields = { name: "New", content_type: "application/json", verify_ssl: true };
    expect((await put(uuid, fields)).status).toBe(200);
  });
});

describe("a template", () => {
  it("is shown with its webhook, and masked in lists", async () => {
    const made = await makeWebhook(withTemplate);
    expect(made).toMatchObject(withTemplate);
    expect(await readWebhook(made.uuid)).toEqual(made);
    const { body } = await api<{ subscribers: WebhookAnswer[] }>("GET", `${notifications}/subscribers`);
    expect(body.subscribers).toMatchObject([{ format: "template", template: masked }]);
    const { results } = await env.DB.prepare("SELECT * FROM webhooks").all();
    expect(JSON.stringify(results)).not.toContain("{{title}}");
  });

  it("is kept when it is masked, absent or null, replaced by another, and removed with its format", async () => {
    await forAll<[object, string | null]>(
      [
        [{ template: masked, name: "New" }, withTemplate.template],
        [{ template: null, name: "New" }, withTemplate.template],
        [{ name: "New" }, withTemplate.template],
        [{ url: "https://elsewhere.example.com/hook" }, withTemplate.template],
        [{ template: '{"t": 1}' }, '{"t": 1}'],
        [{ format: "slack" }, null],
        [{ format: "slack", template: masked }, null],
      ],
      async (changes, wanted) => {
        const { uuid } = await makeWebhook(withTemplate);
        expect(await put(uuid, changes)).toMatchObject({ status: 200 });
        expect((await readWebhook(uuid)).template).toBe(wanted);
      },
    );
  });

  it("makes the body of deliveries and of test pings, signed as it is sent", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ ...withTemplate, format_options: { content_type: "text/plain" } });
    await publish(makeEvent({ project: { name: "Churn" } }));
    await api("GET", `${notifications}/subscribers/test-ping-delivery/${uuid}`);
    await vi.waitFor(() => expect(received).toHaveLength(2));
    const bodies = received.map(({ body }) => body).toSorted();
    expect(bodies).toEqual([
      '{"text": "Project Churn was created"}',
      '{"text": "Test ping: this webhook works"}',
    ]);
    for (const { headers, body } of received) {
      expect(headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
      expect(headers.get("X-Hub-Signature")).toBe(await hmacHex(spec.secret, body));
    }
  });
});
