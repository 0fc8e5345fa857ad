import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/platform/config";
import { findWebhook, type Webhook } from "../../src/webhooks/webhooks";
import { type SecretSettings, decryptSettings } from "../../src/platform/encryption";
import { type Answer, api, makeWebhook, notifications, spec } from "../api";
import { fieldsOf } from "../pages/form";
import { get, type Page, post } from "../pages/page";
import { writer } from "../pages/webhooks/people";
import { receiver } from "../receiver";

const webhooks = `${notifications}/subscribers/webhooks`;
const stored = { Authorization: "Bearer of-the-old-host", "X-Api_Key": "key-of-the-old-host" };
const masked = { Authorization: "********", "X-Api_Key": "********" };
const here = "https://hooks.example.com/old?path=1";
const elsewhere = "https://evil.example.com/collect";

function put(uuid: string, changes: unknown): Promise<Answer<{ message: string }>> {
  return api("PUT", `${webhooks}/${uuid}`, changes);
}

function ping(uuid: string): Promise<unknown> {
  return api("GET", `${notifications}/subscribers/test-ping-delivery/${uuid}`);
}

async function rowOf(uuid: string): Promise<Webhook> {
  const row = await findWebhook(env, uuid);
  if (row === null) throw new Error("There is no such webhook.");
  return row;
}

async function settingsOf(uuid: string): Promise<SecretSettings> {
  return decryptSettings(readConfig(env).encryptionKeys, uuid, (await rowOf(uuid)).encryptedSettings);
}

/** The edit form as a browser without scripts has it, with what was typed. */
async function sendForm(
  uuid: string,
  typed: { url: string; headers?: string },
  intent: string,
): Promise<Page> {
  const cookie = await writer();
  const fields = await fieldsOf((await get(`/webhooks/${uuid}/edit`, cookie)).html, "webhook-form");
  for (const [name, value] of Object.entries(typed)) fields.set(name, value);
  return post(`/webhooks/${uuid}/edit`, new URLSearchParams([...fields, ["intent", intent]]), { cookie });
}

const moves: [from: string, to: string][] = [
  [here, elsewhere],
  [here, "https://hooks.example.com:8443/old?path=1"],
  [here, "http://hooks.example.com/old?path=1"],
  [here, "http://hooks.example.com:443/old"],
  [here, "https://hooks.example.com./old"],
  [here, "https://a.hooks.example.com/old"],
  [here, "https://example.com/old"],
  [here, "https://hooks.example.com.evil.example.com/old"],
  ["https://hooks.example.com:8443/x", "https://hooks.example.com/x"],
  ["https://hooks.example.com:8443/x", "https://hooks.example.com:443/x"],
  ["http://hooks.example.com/x", "https://hooks.example.com/x"],
  ["http://hooks.example.com/x", "http://hooks.example.com:443/x"],
  ["https://bücher.example.com/x", "https://bucher.example.com/x"],
];

const stays: [from: string, to: string][] = [
  [here, "https://hooks.example.com/new"],
  [here, "https://hooks.example.com"],
  [here, "https://hooks.example.com:443/new"],
  [here, "HTTPS://HOOKS.Example.COM/new"],
  [here, "https://@hooks.example.com/new"],
  ["http://hooks.example.com/x", "http://hooks.example.com:80/new"],
  ["https://bücher.example.com/x", "https://xn--bcher-kva.EXAMPLE.com/new"],
  ["https://hooks.example.com:8443/x", "https://hooks.example.com:08443/new"],
];

describe("header values that are stored", () => {
  it("do not go to another origin: such a change is a 400 that names them, and changes nothing", async () => {
    const { received } = receiver();
    for (const [from, url] of moves) {
      const { uuid } = await makeWebhook({ url: from, verify_ssl: true, headers: stored });
      const before = await rowOf(uuid);
      for (const changes of [
        { url, verify_ssl: true },
        { url, headers: null, name: "New" },
        { url, headers: masked },
        { url, secret: "new", headers: { authorization: "********", "x-API_key": "********" } },
      ]) {
        const { status, body } = await put(uuid, changes);
        expect({ url, changes, status }).toEqual({ url, changes, status: 400 });
        expect(body.message).toMatch(/^headers: .*authorization.*x-api_key/i);
        expect(body.message).not.toContain("of-the-old-host");
      }
      expect(await rowOf(uuid)).toEqual(before);
    }
    expect(received).toEqual([]);
  });

  it("stay when the URL changes within its origin, however that is written", async () => {
    receiver();
    for (const [from, url] of stays) {
      for (const headers of [undefined, masked]) {
        const { uuid } = await makeWebhook({ url: from, headers: stored });
        expect({ url, status: (await put(uuid, { url, headers })).status }).toEqual({ url, status: 200 });
        expect(await settingsOf(uuid)).toEqual({
          url: new URL(url.replace("@", "")).href,
          secret: spec.secret,
          headers: stored,
        });
      }
    }
  });

  it("are only named where they would be kept: others may be typed again, or taken away", async () => {
    const { received } = receiver();
    const { uuid } = await makeWebhook({ url: here, headers: stored });
    const half = { Authorization: "Bearer of-the-new-host", "X-Api_Key": "********" };
    const refused = await put(uuid, { url: elsewhere, headers: half });
    expect(refused.status).toBe(400);
    expect(refused.body.message).toContain("X-Api_Key");
    expect(refused.body.message).not.toContain("Authorization");

    const typed = { Authorization: "Bearer of-the-new-host" };
    expect((await put(uuid, { url: elsewhere, headers: typed })).status).toBe(200);
    await ping(uuid);
    expect(received[0]?.url).toBe(elsewhere);
    expect(received[0]?.headers.get("Authorization")).toBe("Bearer of-the-new-host");
    expect(received[0]?.headers.get("X-Api_Key")).toBeNull();

    // What was typed for the new origin does not go back to the old one either.
    expect((await put(uuid, { url: here })).status).toBe(400);
    expect((await put(uuid, { url: here, headers: {} })).status).toBe(200);
    expect(await settingsOf(uuid)).toEqual({ url: here, secret: spec.secret, headers: {} });
  });

  it("follow no change that comes at the same time as another one", async () => {
    const { received } = receiver();
    const { uuid } = await makeWebhook({ url: here, headers: stored });
    const answers = await Promise.all([
      put(uuid, { headers: {} }),
      put(uuid, { url: elsewhere }),
      put(uuid, { url: elsewhere, headers: {} }),
      put(uuid, { headers: masked }),
      put(uuid, { url: elsewhere, headers: masked }),
      put(uuid, { url: here }),
      put(uuid, { name: "New" }),
    ]);
    expect(answers.map(({ status }) => status === 200 || status === 400)).not.toContain(false);
    await ping(uuid);
    const { url, headers = {} } = await settingsOf(uuid);
    const sent = received.map((one) => `${one.url} ${[...one.headers.values()].join()}`);
    const all = [`${url} ${JSON.stringify(headers)}`, ...sent].filter((one) => one.startsWith(elsewhere));
    expect(all.filter((one) => one.includes("of-the-old-host"))).toEqual([]);
  });

  it("are not what a masked value stands for where nothing is stored under that name", async () => {
    const { received } = receiver();
    const headers = { "X-Unknown": "********" };
    const { uuid } = await makeWebhook({ url: here, headers: stored });
    for (const answer of [
      await put(uuid, { headers: { ...masked, ...headers } }),
      await api("POST", webhooks, { ...spec, headers }),
      await api("POST", `${webhooks}/pre-creation-test-ping-delivery`, { ...spec, headers }),
    ]) {
      expect(answer.status).toBe(400);
      expect(answer.body.message).toMatch(/^headers: .*X-Unknown/);
    }
    expect(received).toEqual([]);
    expect((await settingsOf(uuid)).headers).toEqual(stored);
  });
});

describe("the edit form", () => {
  it.each(["test", "save"])("does not send stored header values to another origin: %s", async (intent) => {
    const { received } = receiver();
    const { uuid } = await makeWebhook({ url: here, headers: stored });
    const before = await rowOf(uuid);
    const forms: { url: string; headers?: string }[] = [
      { url: elsewhere },
      { url: "http://hooks.example.com/old" },
      { url: "https://hooks.example.com:8443/old" },
      { url: elsewhere, headers: "Authorization: ********\r\nX-Api_Key: typed" },
      { url: elsewhere, headers: "authorization:   ********" },
    ];
    for (const typed of forms) {
      const { html, status } = await sendForm(uuid, typed, intent);
      expect(status).toBe(intent === "test" ? 200 : 400);
      expect(html).toMatch(/id="headers-error">[^<]*Authorization/i);
      expect(html).toContain(intent === "test" ? "The test ping was not sent." : `value="${typed.url}"`);
      expect(html).not.toContain("of-the-old-host");
    }
    expect(received).toEqual([]);
    expect(await rowOf(uuid)).toEqual(before);
  });

  it("sends and keeps them on another path of the same origin, and what was typed elsewhere", async () => {
    const { received } = receiver();
    const { uuid } = await makeWebhook({ url: here, headers: stored });
    await sendForm(uuid, { url: "https://HOOKS.example.com:443/new" }, "test");
    expect(received[0]?.headers.get("Authorization")).toBe(stored.Authorization);
    await sendForm(uuid, { url: elsewhere, headers: "X-New: typed" }, "test");
    expect(received[1]?.url).toBe(elsewhere);
    expect(received[1]?.headers.get("X-New")).toBe("typed");
    expect(received[1]?.headers.get("Authorization")).toBeNull();
    expect((await sendForm(uuid, { url: elsewhere, headers: "" }, "save")).status).toBe(303);
    expect(await settingsOf(uuid)).toEqual({ url: elsewhere, secret: spec.secret, headers: {} });
  });

  it.each(["test", "save"])(
    "takes typed header values for the origin that it showed, not for one that somebody else has set since: %s",
    async (intent) => {
      const { received } = receiver();
      const { uuid } = await makeWebhook({ url: here });
      const cookie = await writer();
      const fields = await fieldsOf((await get(`/webhooks/${uuid}/edit`, cookie)).html, "webhook-form");
      fields.set("headers", "Authorization: Bearer for-the-old-host");
      await put(uuid, { url: elsewhere });
      const sent = new URLSearchParams([...fields, ["intent", intent]]);
      const { html } = await post(`/webhooks/${uuid}/edit`, sent, { cookie });
      expect(html).toContain("Somebody else has changed this webhook");
      expect(received).toEqual([]);
      expect((await settingsOf(uuid)).headers).toBeUndefined();
    },
  );
});
