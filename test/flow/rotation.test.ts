import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { beforeAll, describe, expect, test } from "vitest";
import { BorrowedGateway } from "./borrowed-gateway.ts";
import { call, createWebhook, makeEvent, publish, webhookPath } from "./client.ts";
import { eventually } from "./eventually.ts";
import { type Arrival, hubSignature, Receiver } from "./receiver.ts";

describe("a receiver that verifies with the public Standard Webhooks library", () => {
  let gateway: BorrowedGateway;
  beforeAll(async () => {
    gateway = await BorrowedGateway.borrow();
    return () => gateway.giveBack();
  });

  test("takes every delivery at its first attempt while the secret is rotated and it changes over later", async () => {
    const type = "project:created";
    const [oldSecret, newSecret] = [standardSecret(), standardSecret()];
    let mine = oldSecret;
    const receiver = await Receiver.start((arrival) => (verifies(mine, arrival) ? 200 : 401));
    const webhook = await createWebhook(gateway, {
      url: receiver.url,
      secret: oldSecret,
      eventTypes: [type],
    });
    const publishTen = async (arrivals: number) => {
      for (let left = 10; left > 0; left--) await publish(gateway, makeEvent(type));
      await eventually("ten more arrive", () => receiver.arrivals.length >= arrivals);
    };
    await publishTen(10);
    await rotate(webhook, { secret: newSecret });
    await publishTen(20);
    mine = newSecret;
    await publishTen(30);

    expect(receiver.arrivals.map(({ sequence, attempt }) => `${sequence}/${attempt}`)).toEqual(
      Array.from({ length: 30 }, (_, index) => `${index + 1}/1`),
    );
  });

  test("verifies with the old secret alone before a rotation, with either one in the grace period", async () => {
    const type = "project:updated";
    const [oldSecret, newSecret] = [standardSecret(), standardSecret()];
    const receiver = await Receiver.start();
    const webhook = await createWebhook(gateway, {
      url: receiver.url,
      secret: oldSecret,
      eventTypes: [type],
    });
    const before = await publishAndReceive(receiver, type);
    await rotate(webhook, { secret: newSecret });
    const during = await publishAndReceive(receiver, type);

    const verified = [before, during].map((arrival) => ({
      old: verifies(oldSecret, arrival),
      new: verifies(newSecret, arrival),
    }));
    expect(verified).toEqual([
      { old: true, new: false },
      { old: true, new: true },
    ]);
  });

  test("finds the old secret of no use any more once the grace period is over", async () => {
    const type = "project:deleted";
    const [oldSecret, newSecret] = [standardSecret(), standardSecret()];
    const receiver = await Receiver.start();
    const webhook = await createWebhook(gateway, {
      url: receiver.url,
      secret: oldSecret,
      eventTypes: [type],
    });
    await rotate(webhook, { secret: newSecret, grace_period_s: 2 });
    expect(verifies(oldSecret, await publishAndReceive(receiver, type))).toBe(true);
    const after = await eventually("the old secret signs nothing", async () => {
      const arrival = await publishAndReceive(receiver, type);
      return verifies(oldSecret, arrival) ? null : arrival;
    });

    expect(verifies(newSecret, after)).toBe(true);
  });

  test("finds the old secret of no use at once when there is no grace period", async () => {
    const type = "project:environment:created";
    const [oldSecret, newSecret] = [standardSecret(), standardSecret()];
    const receiver = await Receiver.start();
    const webhook = await createWebhook(gateway, {
      url: receiver.url,
      secret: oldSecret,
      eventTypes: [type],
    });
    await publishAndReceive(receiver, type);
    await rotate(webhook, { secret: newSecret, grace_period_s: 0 });
    const after = await publishAndReceive(receiver, type);

    expect({ old: verifies(oldSecret, after), new: verifies(newSecret, after) }).toEqual({
      old: false,
      new: true,
    });
  });

  test("gets an X-Hub-Signature of the old secret during the grace period, or of the new one where hub is new", async () => {
    const type = "project:environment:deleted";
    const [oldSecret, newSecret] = [standardSecret(), standardSecret()];
    const receiver = await Receiver.start();
    const webhook = await createWebhook(gateway, {
      url: receiver.url,
      secret: oldSecret,
      eventTypes: [type],
    });
    const before = await publishAndReceive(receiver, type);
    await rotate(webhook, { secret: newSecret });
    const during = await publishAndReceive(receiver, type);
    await rotate(webhook, { secret: newSecret, hub: "new" });
    const after = await publishAndReceive(receiver, type);

    expect([before, during, after].map(({ headers }) => headers["x-hub-signature"])).toEqual([
      hubSignature(oldSecret, before.body),
      hubSignature(oldSecret, during.body),
      hubSignature(newSecret, after.body),
    ]);
  });

  test("uses the UTF-8 bytes of a secret that does not begin with whsec_, in the library's raw format", async () => {
    const type = "project:pipeline:created";
    const secret = "sécret 🔑";
    const receiver = await Receiver.start();
    await createWebhook(gateway, { url: receiver.url, secret, eventTypes: [type] });
    const arrival = await publishAndReceive(receiver, type);

    expect(verifies(secret, arrival)).toBe(true);
  });

  test("can change over from a secret of its own kind to a whsec_ one", async () => {
    const type = "project:pipeline:updated";
    const [oldSecret, newSecret] = ["a secret of my own", standardSecret()];
    const receiver = await Receiver.start();
    const webhook = await createWebhook(gateway, {
      url: receiver.url,
      secret: oldSecret,
      eventTypes: [type],
    });
    await rotate(webhook, { secret: newSecret });
    const during = await publishAndReceive(receiver, type);

    expect({ old: verifies(oldSecret, during), new: verifies(newSecret, during) }).toEqual({
      old: true,
      new: true,
    });
  });

  test("refuses a delivery whose body was changed on its way", async () => {
    const type = "project:pipeline:deleted";
    const secret = standardSecret();
    const receiver = await Receiver.start();
    await createWebhook(gateway, { url: receiver.url, secret, eventTypes: [type] });
    const arrival = await publishAndReceive(receiver, type);
    const changed = Buffer.from(arrival.body.toString().replace(type, "project:pipeline:created"));

    expect([arrival.body, changed].map((body) => verifies(secret, { ...arrival, body }))).toEqual([
      true,
      false,
    ]);
  });

  async function rotate(
    webhook: { uuid: string },
    rotation: { secret: string; grace_period_s?: number; hub?: "previous" | "new" },
  ) {
    const { status } = await call(gateway, "POST", webhookPath(webhook, "/rotate-secret"), rotation);
    expect(status).toBe(200);
  }

  async function publishAndReceive(receiver: Receiver, type: string): Promise<Arrival> {
    const next = receiver.arrivals.length;
    await publish(gateway, makeEvent(type));
    return eventually("the delivery arrives", () => receiver.arrivals[next]);
  }
});

function standardSecret(): string {
  return `whsec_${randomBytes(32).toString("base64")}`;
}

/** Asks the library, as its documentation says for this kind of secret. It throws when nothing matches. */
function verifies(secret: string, { body, headers }: Arrival): boolean {
  // Given as a text, the library would take a raw secret's characters for bytes: only ASCII survives that.
  const library = secret.startsWith("whsec_")
    ? new StandardWebhook(secret)
    : new StandardWebhook(Buffer.from(secret, "utf8"), { format: "raw" });
  try {
    library.verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}
