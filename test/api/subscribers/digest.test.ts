import { expect, it } from "vitest";
import { api, makeWebhook, notifications, readWebhook, spec } from "../../api";
import { forAll } from "../../for-all";

const path = `${notifications}/subscribers/webhooks`;
const slack = "https://hooks.slack.com/services/T0/B0/x";
const digested = { url: slack, digest_s: 60 };
const range = "digest_s: must be a whole number from 0 to 3600";
const needsStrict =
  "digest_s: requires the ordering strict, and the webhook's is keyed: set ordering to strict, or digest_s to 0.";

/** What is refused, and what the webhook is before it. */
const refused: [string, Record<string, unknown>, Record<string, unknown>, string][] = [
  ["less than nothing", { url: slack }, { digest_s: -1 }, range],
  ["more than an hour", { url: slack }, { digest_s: 3601 }, range],
  ["a part of a second", { url: slack }, { digest_s: 0.5 }, range],
  ["a text", { url: slack }, { digest_s: "60" }, range],
  ["another ordering", { url: slack, ordering: "keyed" }, { digest_s: 60 }, needsStrict],
  ["an ordering that is changed later", digested, { ordering: "keyed" }, needsStrict],
  [
    "a URL of no service",
    {},
    { digest_s: 60 },
    "digest_s: requires a format of messages for people (slack, discord, teams, google_chat, mattermost, telegram, ntfy), and the webhook's is auto, which stands for orchest with its URL and content type: set another format, or digest_s to 0.",
  ],
  ["a URL that is changed later", digested, { url: "https://example.com/" }, "which stands for orchest"],
  ["a format that is changed later", digested, { format: "cloudevents" }, "the webhook's is cloudevents"],
  [
    "a content type that is changed later",
    digested,
    { content_type: "application/x-www-form-urlencoded" },
    "which stands for orchest",
  ],
  [
    "an alerting service",
    {},
    {
      url: "https://events.pagerduty.com/v2/enqueue",
      format_options: { routing_key: "R0123456789012345678901234567890" },
      digest_s: 60,
    },
    "which stands for pagerduty",
  ],
  ["a template", {}, { format: "template", template: '{"text": "{{title}}"}', digest_s: 60 }, "is template"],
];

it("a digest is refused with what it does not go with, at once and later, and nothing is changed", () =>
  forAll(refused, async (_, before, change, message) => {
    const { uuid } = await makeWebhook(before);
    const stored = await readWebhook(uuid);
    const put = await api("PUT", `${path}/${uuid}`, { name: "New", ...change });
    expect(put).toMatchObject({ status: 400, body: { message: expect.stringContaining(message) } });
    expect(await readWebhook(uuid)).toEqual(stored);
    const post = await api("POST", path, { ...spec, ...before, ...change });
    expect(post).toMatchObject({ status: 400, body: { message: expect.stringContaining(message) } });
  }));

it("a digest is kept, changed, turned off by 0, and sent back by clients", async () => {
  expect(await makeWebhook()).toMatchObject({ digest_s: 0 });
  expect(await makeWebhook({ digest_s: null })).toMatchObject({ digest_s: 0 });
  const { uuid, url: _url, ...made } = await makeWebhook({ url: slack, digest_s: 3600 });
  expect(made).toMatchObject({ digest_s: 3600 });
  const change = async (changes: Record<string, unknown>): Promise<unknown> => {
    expect((await api("PUT", `${path}/${uuid}`, changes)).status).toBe(200);
    return Reflect.get(await readWebhook(uuid), "digest_s");
  };
  expect(await change({ ...made, secret: undefined })).toBe(3600);
  expect(await change({ digest_s: 1 })).toBe(1);
  expect(await change({ digest_s: null, name: "x" })).toBe(1);
  expect(await change({ format: "mattermost", url: "https://chat.example.com/hooks/x" })).toBe(1);
  expect(await change({ digest_s: 0, format: "auto" })).toBe(0);
  // With everything at once it goes.
  expect(
    await change({ digest_s: 60, ordering: "strict", url: "https://discord.com/api/webhooks/1/x" }),
  ).toBe(60);
});
