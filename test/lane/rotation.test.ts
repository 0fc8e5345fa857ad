import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, notifications } from "../api";
import { passTime, stopClock } from "../clock";
import { makeEvent, makeListener, publish } from "../event";
import { laneOf } from "../lane";
import { type Received, receiver } from "../receiver";
import { readConfig } from "../../src/platform/config";
import { importSigningKeys, standardSignature, verifyHubSignature } from "../../src/send/signature";
import { runScheduled } from "../../src/scheduled";
import { decryptSettings } from "../../src/platform/encryption";

beforeEach(stopClock);

function rotate(uuid: string, body: Record<string, unknown>) {
  return api<{ previous_secret_until: string | null; message: string; secret?: string }>(
    "POST",
    `${notifications}/subscribers/${uuid}/rotate-secret`,
    body,
  );
}

async function deliverOne(received: Received[]): Promise<Received> {
  const before = received.length;
  await publish(makeEvent());
  await vi.waitFor(() => expect(received).toHaveLength(before + 1));
  const [last] = received.slice(-1);
  if (last === undefined) throw new Error("Nothing was received.");
  return last;
}

async function standardOf(secret: string, { headers, body }: Received): Promise<string> {
  return standardSignature(await importSigningKeys(secret), {
    id: headers.get("webhook-id") ?? "",
    timestamp: Number(headers.get("webhook-timestamp")),
    body: new TextEncoder().encode(body),
  });
}

/** Whether the delivery's X-Hub-Signature was made with this secret. */
function hubIsOf(secret: string, { headers, body }: Received): Promise<boolean> {
  return verifyHubSignature(secret, new TextEncoder().encode(body), headers.get("X-Hub-Signature") ?? "");
}

describe("rotating a secret", () => {
  it("signs with both for the grace period, and X-Hub-Signature with the old one until its end", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ secret: "old" });
    await deliverOne(received);
    const { status, body } = await rotate(uuid, { secret: "new", grace_period_s: 60 });
    expect(status).toBe(200);
    expect(body.previous_secret_until).toBe(new Date(Date.now() + 60_000).toISOString());
    const delivery = await deliverOne(received);
    expect(delivery.headers.get("webhook-signature")).toBe(
      `${await standardOf("new", delivery)} ${await standardOf("old", delivery)}`,
    );
    expect(await hubIsOf("old", delivery)).toBe(true);
    passTime(59_999);
    expect(await hubIsOf("old", await deliverOne(received))).toBe(true);
    passTime(1);
    expect(await hubIsOf("new", await deliverOne(received))).toBe(true);
  });

  it("signs X-Hub-Signature with the new one at once where that is asked for", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ secret: "old" });
    await rotate(uuid, { secret: "new", grace_period_s: 60, hub: "new" });
    const delivery = await deliverOne(received);
    expect(await hubIsOf("new", delivery)).toBe(true);
    expect(delivery.headers.get("webhook-signature")?.split(" ")).toHaveLength(2);
  });

  it("twice within the grace period, as when the first answer was lost, keeps what receivers verify with", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ secret: "old" });
    await rotate(uuid, { grace_period_s: 60 });
    passTime(30_000);
    const { body } = await rotate(uuid, { grace_period_s: 60 });
    passTime(59_000);
    const delivery = await deliverOne(received);
    expect(await hubIsOf("old", delivery)).toBe(true);
    const standard = delivery.headers.get("webhook-signature")?.split(" ") ?? [];
    expect(standard).toHaveLength(3);
    expect(standard).toContain(await standardOf("old", delivery));
    expect(standard[0]).toBe(await standardOf(body.secret ?? "", delivery));
    passTime(1000);
    expect(await hubIsOf(body.secret ?? "", await deliverOne(received))).toBe(true);
  });

  it("twice to the same one, as when a request is repeated, still signs with the one before", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ secret: "old" });
    await rotate(uuid, { secret: "new", grace_period_s: 60 });
    passTime(10_000);
    const { body } = await rotate(uuid, { secret: "new", grace_period_s: 60 });
    expect(body.previous_secret_until).toBe(new Date(Date.now() + 60_000).toISOString());
    const delivery = await deliverOne(received);
    expect(delivery.headers.get("webhook-signature")).toBe(
      `${await standardOf("new", delivery)} ${await standardOf("old", delivery)}`,
    );
  });

  it("to the one that it has signs once", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ secret: "old" });
    await rotate(uuid, { secret: "old", grace_period_s: 60 });
    const delivery = await deliverOne(received);
    expect(delivery.headers.get("webhook-signature")).toBe(await standardOf("old", delivery));
  });

  it("signs with the new one alone when the grace period is over", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ secret: "old" });
    await rotate(uuid, { secret: "new", grace_period_s: 60 });
    passTime(60_000);
    const delivery = await deliverOne(received);
    expect(delivery.headers.get("webhook-signature")).toBe(await standardOf("new", delivery));
  });

  it("without a grace period ends the old one at once", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ secret: "old" });
    const { body } = await rotate(uuid, { secret: "new", grace_period_s: 0 });
    expect(body.previous_secret_until).toBeNull();
    const delivery = await deliverOne(received);
    expect(delivery.headers.get("webhook-signature")).toBe(await standardOf("new", delivery));
  });

  it("removes the old one from storage afterwards, in D1 and in the lane", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ secret: "old" });
    await rotate(uuid, { secret: "new", grace_period_s: 60 });
    await deliverOne(received);
    passTime(61_000);
    await runScheduled(env, Date.now());
    const row = await env.DB.prepare("SELECT sealed FROM webhooks").first<{ sealed: string }>();
    const { encryptionKeys } = readConfig(env);
    expect(await decryptSettings(encryptionKeys, uuid, row?.sealed ?? "")).toMatchObject({ secret: "new" });
    expect(await decryptSettings(encryptionKeys, uuid, row?.sealed ?? "")).not.toHaveProperty("previous");
    const inLane = await runInDurableObject(laneOf(uuid), (_, { storage }) =>
      storage.sql.exec<{ record: string }>("SELECT record FROM lane").one(),
    );
    expect(inLane.record).toContain(JSON.stringify(row?.sealed));
  });

  it("makes a secret when none is given, and shows it in this answer only", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener({ secret: "old" });
    for (const given of [{}, { secret: null }, { secret: "" }]) {
      const { status, body } = await rotate(uuid, { ...given, grace_period_s: 0 });
      expect(status).toBe(200);
      expect(body.secret).toMatch(/^[0-9a-f]{128}$/);
      expect(await hubIsOf(body.secret ?? "", await deliverOne(received))).toBe(true);
      const { text } = await api("GET", `${notifications}/subscribers/${uuid}`);
      expect(text).not.toContain(body.secret);
    }
    expect((await rotate(uuid, { secret: "given" })).text).not.toContain("given");
  });

  it.each([
    [{ grace_period_s: 604_801 }, /grace_period_s.*604800/],
    [{ grace_period_s: -1 }, /grace_period_s/],
    [{ secret: "whsec_!" }, /secret.*base64/],
    [{ hub: "old" }, /hub.*previous or new/],
    [{ graceperiod: 1 }, /unknown field graceperiod/],
  ])("refuses %j", async (body, message) => {
    const { uuid } = await makeListener();
    const answer = await rotate(uuid, body);
    expect(answer.status).toBe(400);
    expect(answer.body.message).toMatch(message);
  });

  it("of an unknown webhook is a 404", async () => {
    expect((await rotate(crypto.randomUUID(), {})).status).toBe(404);
  });
});
