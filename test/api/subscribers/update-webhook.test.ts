import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { readConfig } from "../../../src/platform/config";
import { laneConfigOf } from "../../../src/lane/lane-configs";
import { findWebhook, type Webhook } from "../../../src/webhooks/webhooks";
import { type SecretSettings, decryptSettings } from "../../../src/platform/encryption";
import { type Answer, api, makeWebhook, notifications, readWebhook, spec } from "../../api";

const unknown = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const project = "11111111-2222-4333-8444-555555555555";

function put(uuid: string, changes: unknown): Promise<Answer<{ message: string }>> {
  return api("PUT", `${notifications}/subscribers/webhooks/${uuid}`, changes);
}

async function rowOf(uuid: string): Promise<Webhook> {
  const row = await findWebhook(env, uuid);
  if (row === null) throw new Error("There is no such webhook.");
  return row;
}

async function settingsOf(uuid: string): Promise<SecretSettings> {
  return decryptSettings(readConfig(env).encryptionKeys, uuid, (await rowOf(uuid)).encryptedSettings);
}

describe("PUT /subscribers/webhooks/{uuid}", () => {
  it("answers 200 and says so", async () => {
    const { uuid } = await makeWebhook();
    const { status, body } = await put(uuid, { name: "New" });
    expect(status).toBe(200);
    expect(body).toEqual({ message: `Webhook ${uuid} has been updated.` });
  });

  it.each([
    ["name", { name: "New" }, { name: "New" }],
    ["name, to none", { name: "" }, { name: "" }],
    ["url", { url: "https://other.example.com:8443/x" }, { url: "https://other.example.com:8443" }],
    ["content type", { content_type: "application/x-www-form-urlencoded" }, undefined],
    [
      "url and verification",
      { url: "http://a.example.com", verify_ssl: false },
      { url: "http://a.example.com", verify_ssl: false },
    ],
  ])("changes the %s and nothing else", async (_, changes, shown) => {
    const made = await makeWebhook({ subscriptions: [{ event_type: "project:created" }] });
    expect((await put(made.uuid, changes)).status).toBe(200);
    expect(await readWebhook(made.uuid)).toEqual({ ...made, ...(shown ?? changes) });
  });

  it("leaves what is absent or null", async () => {
    const made = await makeWebhook({ subscriptions: [{ event_type: "project:created" }] });
    const before = await settingsOf(made.uuid);
    const nulls = { url: null, verify_ssl: null, content_type: null, secret: null, subscriptions: null };
    expect((await put(made.uuid, { ...nulls, name: "New" })).status).toBe(200);
    expect(await readWebhook(made.uuid)).toEqual({ ...made, name: "New" });
    expect(await settingsOf(made.uuid)).toEqual(before);
  });

  it("keeps the secret when the URL changes, and the URL when the secret does", async () => {
    const { uuid } = await makeWebhook();
    await put(uuid, { url: "https://other.example.com/new" });
    expect(await settingsOf(uuid)).toEqual({ url: "https://other.example.com/new", secret: spec.secret });
    await put(uuid, { secret: "another" });
    expect(await settingsOf(uuid)).toEqual({ url: "https://other.example.com/new", secret: "another" });
  });

  it("makes a new secret for an empty one", async () => {
    const { uuid } = await makeWebhook();
    const { status, body } = await put(uuid, { secret: "" });
    const { secret } = await settingsOf(uuid);
    expect([status, body]).toEqual([200, { message: `Webhook ${uuid} has been updated.`, secret }]);
    expect(secret).toMatch(/^[0-9a-f]{128}$/);
    expect((await put(uuid, { secret: "mine" })).body).not.toHaveProperty("secret");
  });

  it("raises the version by one in each change", async () => {
    const { uuid } = await makeWebhook();
    expect((await rowOf(uuid)).version).toBe(1);
    await put(uuid, { name: "New" });
    await put(uuid, { subscriptions: [] });
    await put(uuid, { secret: "" });
    expect((await rowOf(uuid)).version).toBe(4);
  });

  it("re-encrypts the settings only when an encrypted one changes", async () => {
    const { uuid } = await makeWebhook();
    const { encryptedSettings } = await rowOf(uuid);
    await put(uuid, { name: "New", subscriptions: [{ event_type: "project:created" }] });
    expect((await rowOf(uuid)).encryptedSettings).toBe(encryptedSettings);
  });

  it("takes a uuid in upper case", async () => {
    const { uuid } = await makeWebhook();
    const { status, body } = await put(uuid.toUpperCase(), { name: "New" });
    expect(status).toBe(200);
    expect(body.message).toContain(uuid);
  });

  it("tells the lane, which then has the new configuration", async () => {
    const { uuid } = await makeWebhook();
    const configure = vi.fn<(config: unknown) => Promise<void>>().mockResolvedValue();
    vi.spyOn(env.LANES, "getByName").mockReturnValue(stubOf({ configure }));
    await put(uuid, { name: "New" });
    expect(configure).toHaveBeenCalledExactlyOnceWith(laneConfigOf(await rowOf(uuid)));
    expect(await rowOf(uuid)).toMatchObject({ name: "New", version: 2 });
  });

  it("answers 200 also when the lane cannot be told, and logs that without secrets", async () => {
    const log = vi.spyOn(console, "warn").mockReturnValue();
    const { uuid } = await makeWebhook();
    const configure = vi.fn<() => Promise<void>>().mockRejectedValue(new Error("lane is down"));
    vi.spyOn(env.LANES, "getByName").mockReturnValue(stubOf({ configure }));
    expect((await put(uuid, { name: "New", secret: "hidden" })).status).toBe(200);
    expect((await rowOf(uuid)).name).toBe("New");
    expect(log).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("lane is down"));
    expect(log).not.toHaveBeenCalledWith(expect.stringContaining("hidden"));
  });
});

describe("the subscriptions in a PUT", () => {
  const kept = { event_type: "project:created" };
  const dropped = { event_type: "project:deleted" };
  const added = { event_type: "project:updated" };

  it("replace the set, and those that stay keep their uuid", async () => {
    const made = await makeWebhook({ subscriptions: [kept, dropped] });
    expect((await put(made.uuid, { subscriptions: [added, kept] })).status).toBe(200);
    const { subscriptions } = await readWebhook(made.uuid);
    expect(subscriptions.map(({ event_type }) => event_type)).toEqual([kept.event_type, added.event_type]);
    expect(subscriptions[0]).toEqual(made.subscriptions[0]);
  });

  it("keep the time of creation of those that stay", async () => {
    const made = await makeWebhook({ subscriptions: [kept] });
    await env.DB.prepare("update subscriptions set created_at = 1").run();
    await put(made.uuid, { subscriptions: [kept, added] });
    const { results } = await env.DB.prepare("select created_at as at from subscriptions order by id").all<{
      at: number;
    }>();
    expect(results.map(({ at }) => at === 1)).toEqual([true, false]);
  });

  it("tell filters apart", async () => {
    const limited = { ...kept, project_uuid: project };
    const made = await makeWebhook({ subscriptions: [kept, limited] });
    await put(made.uuid, { subscriptions: [limited] });
    expect((await readWebhook(made.uuid)).subscriptions).toEqual([made.subscriptions[1]]);
  });

  it("may be none", async () => {
    const made = await makeWebhook({ subscriptions: [kept, dropped] });
    await put(made.uuid, { subscriptions: [] });
    expect((await readWebhook(made.uuid)).subscriptions).toEqual([]);
  });

  it("may be 1,000, of which most stay", async () => {
    const many = Array.from({ length: 1000 }, () => ({ ...kept, project_uuid: crypto.randomUUID() }));
    const made = await makeWebhook({ subscriptions: many });
    const next = [...many.slice(1), added];
    expect((await put(made.uuid, { subscriptions: next })).status).toBe(200);
    const { subscriptions } = await readWebhook(made.uuid);
    expect(subscriptions.slice(0, 999)).toEqual(made.subscriptions.slice(1));
    expect(subscriptions).toHaveLength(1000);
  });

  it("leave other webhooks' alone", async () => {
    const other = await makeWebhook({ subscriptions: [kept, dropped] });
    const made = await makeWebhook({ subscriptions: [kept] });
    await put(made.uuid, { subscriptions: [] });
    expect(await readWebhook(other.uuid)).toEqual(other);
  });

  it("may be what Orchest's settings page sends: those it was given, and a new one", async () => {
    const made = await makeWebhook({ subscriptions: [kept] });
    const body = {
      subscriptions: [...made.subscriptions, { event_type: "project:one-off-job:pipeline-run:failed" }],
    };
    expect((await put(made.uuid, body)).status).toBe(200);
    const { subscriptions } = await readWebhook(made.uuid);
    expect(subscriptions[0]).toEqual(made.subscriptions[0]);
    expect(subscriptions[1]?.event_type).toBe("project:one-off-job:pipeline-run:failed");
  });
});

describe("a PUT that is refused", () => {
  it.each([
    ["nothing", {}, /^Nothing to change: send at least one of url, name/],
    ["only nulls", { name: null, url: null }, /^Nothing to change/],
    ["only what is read-only", { uuid: unknown, type: "webhook" }, /^Nothing to change/],
    ["an unknown field", { colour: "red" }, /^unknown field colour/],
    ["an unknown field beside a known one", { name: "New", colour: "red" }, /^unknown field colour/],
    ["a bad url", { url: "ftp://hooks.example.com" }, /^url: /],
    ["a private target", { url: "http://10.0.0.1/" }, /^url: /],
    ["an empty url", { url: "" }, /^url: /],
    ["a long name", { name: "x".repeat(101) }, /^name: /],
    ["a bad content type", { content_type: "text/plain" }, /^content_type: /],
    ["a bad verify_ssl", { verify_ssl: "no" }, /^verify_ssl: must be true or false/],
    ["https without verification", { verify_ssl: false }, /^verify_ssl: .*always verifies/],
    ["a bad subscription", { name: "New", subscriptions: [{ event_type: "x" }] }, /^subscriptions\[0\]/],
    ["a list", [], /must be an object/],
  ])("has %s, and changes nothing", async (_, changes, message) => {
    const made = await makeWebhook({ subscriptions: [{ event_type: "project:created" }] });
    const before = await rowOf(made.uuid);
    const { status, body } = await put(made.uuid, changes);
    expect(status).toBe(400);
    expect(body).toEqual({ message: expect.stringMatching(message) });
    expect(await rowOf(made.uuid)).toEqual(before);
    expect(await readWebhook(made.uuid)).toEqual(made);
  });

  it("would turn an unverified http webhook into an unverified https one", async () => {
    const { uuid } = await makeWebhook({ url: "http://hooks.example.com", verify_ssl: false });
    const { status, body } = await put(uuid, { url: "https://hooks.example.com" });
    expect(status).toBe(400);
    expect(body.message).toMatch(/^verify_ssl: .*always verifies/);
    expect((await put(uuid, { url: "https://hooks.example.com", verify_ssl: true })).status).toBe(200);
  });

  it.each([unknown, "no-uuid", "'; drop table webhooks; --"])(
    "is about an unknown webhook: %s",
    async (uuid) => {
      const { status, body } = await put(encodeURIComponent(uuid), { name: "New" });
      expect(status).toBe(400);
      expect(body).toEqual({ message: `Webhook ${uuid} does not exist.` });
    },
  );

  it("is about a webhook that is being deleted", async () => {
    const { uuid } = await makeWebhook();
    await env.DB.prepare("update webhooks set deleted_at = 1").run();
    expect((await put(uuid, { name: "New" })).status).toBe(400);
  });
});

describe("changes at the same time", () => {
  it("of URL and secret, which are encrypted together, are both kept", async () => {
    const { uuid } = await makeWebhook();
    const answers = await Promise.all([
      put(uuid, { url: "https://other.example.com/new" }),
      put(uuid, { secret: "another" }),
      put(uuid, { name: "New" }),
      put(uuid, { subscriptions: [{ event_type: "project:created" }] }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await settingsOf(uuid)).toEqual({ url: "https://other.example.com/new", secret: "another" });
    expect(await rowOf(uuid)).toMatchObject({ name: "New", version: 5 });
    expect((await readWebhook(uuid)).subscriptions).toHaveLength(1);
  });

  it("of the subscriptions leave one of the sets, never a mixture", async () => {
    const { uuid } = await makeWebhook();
    const sets = [
      ["project:created", "project:updated"],
      ["project:deleted", "project:pipeline:created"],
      ["project:pipeline:deleted"],
    ];
    const specs = sets.map((types) => types.map((event_type) => ({ event_type })));
    await Promise.all(specs.map((subscriptions) => put(uuid, { subscriptions })));
    const left = (await readWebhook(uuid)).subscriptions.map(({ event_type }) => event_type);
    expect(sets).toContainEqual(left);
  });
});

/** A stand-in for a lane: only what the test is about can be called. */
function stubOf(methods: Record<string, unknown>): ReturnType<typeof env.LANES.getByName> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a stub has dozens of methods, the test calls one
  return methods as unknown as ReturnType<typeof env.LANES.getByName>;
}
