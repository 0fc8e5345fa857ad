import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/platform/config";
import { findWebhook } from "../../../src/webhooks/webhooks";
import { type SecretSettings, decryptSettings } from "../../../src/platform/encryption";
import { api, makeWebhook, notifications, readWebhook, spec, type WebhookAnswer } from "../../api";
import { rowCounts } from "../../row-counts";
import { forAll } from "../../for-all";

const path = `${notifications}/subscribers/webhooks`;
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

async function settingsOf(uuid: string): Promise<SecretSettings> {
  const row = await findWebhook(env, uuid);
  if (row === null) throw new Error("There is no such webhook.");
  return decryptSettings(readConfig(env).encryptionKeys, uuid, row.encryptedSettings);
}

describe("POST /subscribers/webhooks", () => {
  it("answers 201 with exactly the contract's fields and the gateway's own", async () => {
    const answer = await api<WebhookAnswer>("POST", path, {
      ...spec,
      subscriptions: [{ event_type: "project:created" }],
    });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      uuid: expect.stringMatching(uuidPattern),
      type: "webhook",
      url: "https://hooks.example.com",
      name: "Alerts",
      verify_ssl: true,
      content_type: "application/json",
      subscriptions: [
        {
          uuid: expect.stringMatching(uuidPattern),
          subscriber_uuid: answer.body.uuid,
          event_type: "project:created",
          project_uuid: null,
          job_uuid: null,
        },
      ],
      ordering: "strict",
      retry: { max_attempts: null, max_age_s: null },
      timeout_s: null,
      headers: {},
      rate_limit_per_s: null,
      digest_s: 0,
      egress: null,
      format: "auto",
      format_options: {},
      template: null,
      state: "active",
      disabled_reason: null,
    });
  });

  it("stores what it answers", async () => {
    const made = await makeWebhook({ subscriptions: [{ event_type: "project:created" }] });
    expect(await readWebhook(made.uuid)).toEqual(made);
  });

  it("never gives back the secret or the URL's path, and stores neither readably", async () => {
    const { text } = await api("POST", path, spec);
    expect(text).not.toMatch(/secret/);
    const rows = await env.DB.prepare("select * from webhooks").all();
    expect(JSON.stringify(rows.results)).not.toMatch(/path-is-secret|a-secret-of/);
  });

  it("stores the whole URL and the secret, encrypted", async () => {
    const { uuid } = await makeWebhook();
    expect(await settingsOf(uuid)).toEqual({ url: spec.url, secret: spec.secret });
  });

  it("takes a body with nothing but what is required", async () => {
    const { body, status } = await api<WebhookAnswer>("POST", path, { url: spec.url, verify_ssl: true });
    expect(status).toBe(201);
    expect(body).toMatchObject({ name: "", content_type: "application/json", subscriptions: [] });
  });

  it("takes null for what is optional as absent", async () => {
    const nulls = { name: null, content_type: null, secret: null, subscriptions: null };
    const made = await makeWebhook(nulls);
    expect(made).toMatchObject({ name: "", content_type: "application/json", subscriptions: [] });
    expect((await settingsOf(made.uuid)).secret).toMatch(/^[0-9a-f]{128}$/);
  });

  it.each([undefined, null, ""])("makes a secret of 64 random bytes where it is %j", async (secret) => {
    const [one, other] = [await makeWebhook({ secret }), await makeWebhook({ secret })];
    // Each is in the answer that made it, and in no other.
    expect([one, other].map((made) => "secret" in made && made.secret)).toEqual([
      (await settingsOf(one.uuid)).secret,
      (await settingsOf(other.uuid)).secret,
    ]);
    expect(await readWebhook(one.uuid)).not.toHaveProperty("secret");
    const secrets = [(await settingsOf(one.uuid)).secret, (await settingsOf(other.uuid)).secret];
    expect(secrets[0]).toMatch(/^[0-9a-f]{128}$/);
    expect(secrets[0]).not.toBe(secrets[1]);
  });

  it("takes the body of Orchest's own client", async () => {
    const { status, body } = await api<WebhookAnswer>("POST", path, {
      url: "http://hooks.example.com/x",
      name: "",
      verify_ssl: false,
      content_type: "application/json",
      secret: "",
      subscriptions: [
        { event_type: "project:one-off-job:pipeline-run:failed" },
        { event_type: "project:cron-job:run:pipeline-run:failed" },
      ],
    });
    expect(status).toBe(201);
    expect(body.verify_ssl).toBe(false);
    expect(body.subscriptions.map(({ event_type }) => event_type)).toEqual([
      "project:one-off-job:pipeline-run:failed",
      "project:cron-job:run:pipeline-run:failed",
    ]);
  });

  it("ignores the read-only fields of a webhook that is sent back", async () => {
    const made = await makeWebhook();
    const again = await makeWebhook({ uuid: made.uuid, type: "webhook", subscriptions: [] });
    expect(again.uuid).not.toBe(made.uuid);
  });

  it("shows of a URL only its origin", () =>
    forAll(
      [
        ["https://hooks.example.com", "https://hooks.example.com"],
        ["https://hooks.example.com:443/x", "https://hooks.example.com"],
        ["https://hooks.example.com:8443/x?token=1#top", "https://hooks.example.com:8443"],
        ["HTTPS://Hooks.Example.COM/x", "https://hooks.example.com"],
        ["http://hooks.example.com:8080", "http://hooks.example.com:8080"],
      ],
      async (url, shown) => {
        expect((await makeWebhook({ url })).url).toBe(shown);
      },
    ));
});

const urlOf = (length: number) => "https://hooks.example.com/".padEnd(length, "x");

describe("a webhook spec at its limits", () => {
  it("may have what is just within the limits", () =>
    forAll(
      [
        ["a name of 100 characters", { name: "x".repeat(100) }],
        ["a name of 100 characters that are two units each", { name: "😀".repeat(100) }],
        ["an empty name", { name: "" }],
        ["a secret of 1,024 characters", { secret: "x".repeat(1024) }],
        ["a secret of one character", { secret: "x" }],
        ["a secret of Standard Webhooks", { secret: "whsec_AAAAAAAAAAA=" }],
        ["a URL of 2,048 characters", { url: urlOf(2048) }],
        ["a form body", { content_type: "application/x-www-form-urlencoded" }],
        ["an http URL without verification", { url: "http://hooks.example.com", verify_ssl: false }],
        ["an http URL with verification", { url: "http://hooks.example.com", verify_ssl: true }],
      ],
      async (_, changes) => {
        const { uuid: _uuid, ...made } = await makeWebhook(changes);
        const { url: _url, secret: _secret, ...shown } = { url: "", secret: "", ...changes };
        expect(made).toMatchObject(shown);
      },
    ));

  it("may not have what is just beyond them or of another type, and changes nothing", () =>
    forAll(
      [
        ["a name of 101 characters", { name: "x".repeat(101) }, /^name: must be at most 100 characters/],
        ["a name of 101 emoji", { name: "😀".repeat(101) }, /^name: must be at most 100 characters/],
        ["a name that is a number", { name: 1 }, /^name: must be a string/],
        ["half a character in its name", { name: "\ud83d" }, /^name: must be well-formed Unicode/],
        ["half a character in its secret", { secret: "\ud83d" }, /^secret: must be well-formed Unicode/],
        ["a secret of 1,025 characters", { secret: "x".repeat(1025) }, /^secret: must be at most 1024/],
        [
          "a secret that is base64 without its padding",
          { secret: "whsec_AAAAAAAAAAA" },
          /^secret: .*padding/,
        ],
        ["half of the padding", { secret: "whsec_AAAAAAAAAA=" }, /^secret: .*padding/],
        ["too much padding", { secret: "whsec_AAAAAAAA====" }, /^secret: .*padding/],
        ["left-over bits before the padding", { secret: "whsec_AB==" }, /^secret: .*base64/],
        ["base64 of URLs in its secret", { secret: "whsec_-_-_" }, /^secret: .*base64/],
        ["a blank in its base64", { secret: "whsec_AAAA AAAA" }, /^secret: .*base64/],
        ["nothing behind whsec_", { secret: "whsec_" }, /^secret: .*base64/],
        ["a secret that is no string", { secret: {} }, /^secret: must be a string/],
        ["a URL of 2,049 characters", { url: urlOf(2049) }, /^url: must be at most 2048 characters/],
        ["no URL", { url: undefined }, /^url: is required and must be an absolute http or https URL/],
        ["null for a URL", { url: null }, /^url: must be an absolute/],
        ["an empty URL", { url: "" }, /^url: must be an absolute/],
        ["a list for a URL", { url: ["https://hooks.example.com"] }, /^url: must be an absolute/],
        ["no verify_ssl", { verify_ssl: undefined }, /^verify_ssl: is required and must be true or false/],
        ["null for verify_ssl", { verify_ssl: null }, /^verify_ssl: must be true or false/],
        ["text for verify_ssl", { verify_ssl: "true" }, /^verify_ssl: must be true or false/],
        ["https without verification", { verify_ssl: false }, /^verify_ssl: .*The gateway always verifies/],
        [
          "another content type",
          { content_type: "text/plain" },
          /^content_type: must be application\/json or /,
        ],
        ["an empty content type", { content_type: "" }, /^content_type: must be application\/json or /],
        [
          "an unknown field",
          { colour: 1 },
          /^unknown field colour: a webhook has the fields url, name, verify_ssl,/,
        ],
        ["two unknown fields", { a: 1, b: 2 }, /^unknown fields a, b: a webhook has the fields/],
        ["a string for subscriptions", { subscriptions: "all" }, /^subscriptions: must be a list/],
        ["an object for subscriptions", { subscriptions: {} }, /^subscriptions: must be a list/],
      ],
      async (_, changes, message) => {
        const { status, body } = await api("POST", path, { ...spec, ...changes });
        expect(status).toBe(400);
        expect(body).toEqual({ message: expect.stringMatching(message) });
        expect(await rowCounts()).toEqual({ webhooks: 0, subscriptions: 0 });
      },
    ));

  it("may not have a field that only a prototype has", async () => {
    const { status, body } = await api(
      "POST",
      path,
      `{"url":"https://a.com","verify_ssl":true,"__proto__":{}}`,
    );
    expect(status).toBe(400);
    expect(body.message).toContain("__proto__");
  });

  it("is rejected with all of its validation errors at once", async () => {
    const { body } = await api("POST", path, { verify_ssl: 1, content_type: "x" });
    expect(body.message).toMatch(/url: .* verify_ssl: .* content_type: /);
  });
});

describe("a webhook's URL", () => {
  it("may be no other than a public http or https URL, and is not repeated in the answer", () =>
    forAll(
      [
        ["ftp://hooks.example.com/hidden", "absolute http or https URL"],
        ["file:///etc/hidden", "absolute http or https URL"],
        ["hooks.example.com/hidden", "absolute http or https URL"],
        ["/hidden", "absolute http or https URL"],
        ["//hooks.example.com/hidden", "absolute http or https URL"],
        ["https:hooks.example.com/hidden", "absolute http or https URL"],
        ["https://", "absolute http or https URL"],
        ["https://?hidden", "absolute http or https URL"],
        ["https://hooks.example.com:99999/hidden", "absolute http or https URL"],
        ["https://[::1/hidden", "absolute http or https URL"],
        ["https://hooks.example.com/a hidden", "spaces or control characters"],
        [" https://hooks.example.com/hidden", "spaces or control characters"],
        ["https://hooks.example.com/hidden\n", "spaces or control characters"],
        ["https://hooks.exam\tple.com/hidden", "spaces or control characters"],
        ["https://hooks.example.com/\u0000hidden", "spaces or control characters"],
        ["https://hooks.example.com/\u00a0hidden", "spaces or control characters"],
        ["https://user:hidden@hooks.example.com/", "user name or a password"],
        ["https://hidden@hooks.example.com/", "user name or a password"],
        ["http://127.0.0.1/hidden", "public host name"],
        ["http://0x7f.1/hidden", "public host name"],
        ["http://[::1]/hidden", "public host name"],
        ["http://localhost:8080/hidden", "public host name"],
        ["https://db.internal/hidden", "public host name"],
        ["https://orchest-api/hidden", "public host name"],
      ],
      async (url, message) => {
        const answer = await api("POST", path, { ...spec, url });
        expect(answer.status).toBe(400);
        expect(answer.body.message).toMatch(/^url: /);
        expect(answer.body.message).toContain(message);
        expect(answer.text).not.toContain("hidden");
        expect(await rowCounts()).toEqual({ webhooks: 0, subscriptions: 0 });
      },
    ));
});
