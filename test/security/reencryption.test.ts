import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app";
import { readConfig } from "../../src/platform/config";
import { decryptSettings } from "../../src/platform/encryption";
import { api, makeWebhook, notifications, spec } from "../api";
import { stopClock } from "../clock";
import { makeEvent, makeListener, publish } from "../event";
import { laneOf } from "../lane";
import { captureLog, receiver } from "../receiver";

const oldKey = env.ENCRYPTION_KEY;
const newKey = new Uint8Array(32).fill(7).toBase64();
const otherKey = new Uint8Array(32).fill(8).toBase64();
const rotated = { ...env, ENCRYPTION_KEY: `${newKey},${oldKey}` };
const renewed = { ...env, ENCRYPTION_KEY: newKey };

type Progress = { reencrypted: number; left: number; unreadable: number };

/** Calls the gateway as it is deployed with these settings. */
function call(settings: Env, method: string, path: string): Promise<Response> {
  const headers = { Authorization: "Bearer test-token-of-the-suite" };
  return Promise.resolve(createApp().request(path, { method, headers }, settings));
}

async function reencrypt(settings: Env): Promise<Progress> {
  const response = await call(settings, "POST", "/api/reencrypt");
  expect(response.status).toBe(200);
  return response.json<Progress>();
}

async function stored(): Promise<{ uuid: string; sealed: string; version: number }[]> {
  const { results } = await env.DB.prepare("SELECT uuid, sealed, version FROM webhooks ORDER BY id").all<{
    uuid: string;
    sealed: string;
    version: number;
  }>();
  return results;
}

function settingsInLane(uuid: string): Promise<string | undefined> {
  return runInDurableObject(laneOf(uuid), (_, { storage }) => {
    const { record } = storage.sql.exec<{ record: string }>("SELECT record FROM lane").one();
    return (JSON.parse(record) as { config?: { sealed: string } }).config?.sealed;
  });
}

function health(settings: Env): Promise<Response> {
  return call(settings, "GET", "/health");
}

beforeEach(stopClock);

describe("POST /api/reencrypt", () => {
  it("encrypts everything with the first key, so that the older one can be removed", async () => {
    const options = { format: "discord", format_options: { thread_name: "Runs" } };
    const made = [await makeWebhook(), await makeWebhook({ headers: { "X-Team": "data" }, ...options })];
    expect(await reencrypt(rotated)).toEqual({ reencrypted: 2, left: 0, unreadable: 0 });
    const rows = await stored();
    const { encryptionKeys } = readConfig(renewed);
    const opened = await Promise.all(
      rows.map(({ uuid, sealed }) => decryptSettings(encryptionKeys, uuid, sealed)),
    );
    expect(rows.map(({ uuid }) => uuid)).toEqual(made.map(({ uuid }) => uuid));
    expect(opened).toEqual([
      { url: spec.url, secret: spec.secret },
      {
        url: spec.url,
        secret: spec.secret,
        headers: { "X-Team": "data" },
        formatOptions: { thread_name: "Runs" },
      },
    ]);
    expect((await health(renewed)).status).toBe(200);
  });

  it("gives the new ciphertext to the lane, under a higher version", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    const [before] = await stored();
    expect(await settingsInLane(uuid)).toBe(before?.sealed);
    await reencrypt(rotated);
    const [after] = await stored();
    expect(after?.sealed).not.toBe(before?.sealed);
    expect(after?.version).toBe((before?.version ?? 0) + 1);
    expect(await settingsInLane(uuid)).toBe(after?.sealed);
  });

  it("changes nothing that the first key encrypted: a second call does nothing", async () => {
    await makeWebhook();
    await reencrypt(rotated);
    const before = await stored();
    expect(await reencrypt(rotated)).toEqual({ reencrypted: 0, left: 0, unreadable: 0 });
    expect(await stored()).toEqual(before);
  });

  it("does nothing where there is one key, or no webhook", async () => {
    expect(await reencrypt(rotated)).toEqual({ reencrypted: 0, left: 0, unreadable: 0 });
    await makeWebhook();
    expect(await reencrypt(env)).toEqual({ reencrypted: 0, left: 0, unreadable: 0 });
  });

  it("says how many are left, and takes them in the next call", async () => {
    const { uuid } = await makeWebhook();
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 205)
      INSERT INTO webhooks (uuid, name, origin, sealed, verify_ssl, content_type, created_at)
      SELECT 'copy-' || i, name, origin, sealed, verify_ssl, content_type, created_at FROM webhooks, n`,
    ).run();
    const { logged } = captureLog();
    // The copies are encrypted for another uuid: none can be decrypted, and none blocks the webhook.
    expect(await reencrypt(rotated)).toEqual({ reencrypted: 1, left: 205, unreadable: 0 });
    expect(logged()).toContain("webhook not re-encrypted");
    await env.DB.prepare("DELETE FROM webhooks WHERE uuid <> ?").bind(uuid).run();
    expect(await reencrypt(rotated)).toEqual({ reencrypted: 0, left: 0, unreadable: 0 });
  });

  it("counts what no key fits, and leaves it alone", async () => {
    await makeWebhook();
    const before = await stored();
    const lost = { ...env, ENCRYPTION_KEY: `${newKey},${otherKey}` };
    expect(await reencrypt(lost)).toEqual({ reencrypted: 0, left: 0, unreadable: 1 });
    expect(await stored()).toEqual(before);
  });

  it("keeps the secret before it, while it rotates", async () => {
    const { uuid } = await makeWebhook();
    await api("POST", `${notifications}/subscribers/${uuid}/rotate-secret`, { secret: "next" });
    await reencrypt(rotated);
    const [row] = await stored();
    const opened = await decryptSettings(readConfig(renewed).encryptionKeys, uuid, row?.sealed ?? "");
    expect(opened).toMatchObject({ secret: "next", previous: { secret: spec.secret } });
  });

  it("needs a token", async () => {
    expect((await createApp().request("/api/reencrypt", { method: "POST" }, rotated)).status).toBe(401);
  });
});

describe("a lane that could not be told of the new ciphertext", () => {
  it("takes it from D1 before its next attempt, when the older key is gone already", async () => {
    let status = 500;
    const { received } = receiver(() => new Response("", { status }));
    const { uuid } = await makeListener();
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    const broken = vi.spyOn(env.LANES, "getByName").mockImplementation(() => {
      throw new Error("lane is down");
    });
    expect(await reencrypt(rotated)).toMatchObject({ reencrypted: 1, left: 0 });
    broken.mockRestore();
    const [row] = await stored();
    expect(await settingsInLane(uuid)).not.toBe(row?.sealed);
    status = 200;
    await runInDurableObject(laneOf(uuid), (lane) => lane.maintain());
    expect(await settingsInLane(uuid)).toBe(row?.sealed);
  });
});

describe("a key that does not decrypt what is stored", () => {
  const wrong = { ...env, ENCRYPTION_KEY: otherKey };

  it("is a 503 of the health that says what to do", async () => {
    captureLog();
    await makeWebhook();
    const response = await health(wrong);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      status: "error",
      message:
        "ENCRYPTION_KEY does not decrypt the stored settings. Add the key that encrypted them after the new one, separated by a comma.",
    });
  });

  it("is found also when only the oldest or only the newest webhook is concerned", async () => {
    captureLog();
    const { uuid } = await makeWebhook();
    await makeWebhook();
    await makeWebhook();
    await env.DB.prepare("UPDATE webhooks SET sealed = 'deadbeef.AAAA' WHERE uuid = ?").bind(uuid).run();
    expect((await health(env)).status).toBe(503);
    await env.DB.prepare("DELETE FROM webhooks WHERE uuid = ?").bind(uuid).run();
    expect((await health(env)).status).toBe(200);
    await env.DB.prepare("UPDATE webhooks SET sealed = 'deadbeef.AAAA' WHERE id = 3").run();
    expect((await health(env)).status).toBe(503);
  });

  it("is no concern of a gateway without webhooks, nor of one that deleted them", async () => {
    expect((await health(wrong)).status).toBe(200);
    await makeWebhook();
    await env.DB.prepare("UPDATE webhooks SET deleted_at = 1").run();
    expect((await health(wrong)).status).toBe(200);
  });

  it("is one clear error of the first request that needs it, without a secret", async () => {
    const { logged } = captureLog();
    const { uuid } = await makeWebhook();
    const path = `/api/notifications/subscribers/test-ping-delivery/${uuid}`;
    const response = await call(wrong, "GET", path);
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).toContain(`No key in ENCRYPTION_KEY decrypts the settings of webhook ${uuid}.`);
    expect(text + logged()).not.toMatch(/secret-of|path-is-secret/);
  });

  it("is opened again by the right one behind it", async () => {
    await makeWebhook();
    expect((await health({ ...env, ENCRYPTION_KEY: `${otherKey},${oldKey}` })).status).toBe(200);
  });
});
