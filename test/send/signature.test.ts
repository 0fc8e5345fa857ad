import { describe, expect, it } from "vitest";
import {
  hubSignature,
  importSigningKeys,
  standardSignature,
  verifyHubSignature,
} from "../../src/send/signature";
import { hmacHex } from "../sign";
import vectors from "../vectors.json";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("X-Hub-Signature", () => {
  it.each(vectors.hmacHex)("of $body is the published $digest", async ({ secret, body, digest }) => {
    expect(await hubSignature(await importSigningKeys(secret), bytesOf(body))).toBe(digest);
    expect(await hmacHex(secret, body)).toBe(digest);
    expect(await verifyHubSignature(secret, bytesOf(body), digest)).toBe(true);
  });

  it.each([
    ["of another body", "secret", "other", (digest: string) => digest],
    ["of another secret", "other", "body", (digest: string) => digest],
    ["in upper case", "secret", "body", (digest: string) => digest.toUpperCase()],
    ["with a prefix", "secret", "body", (digest: string) => `sha256=${digest}`],
    ["that was cut", "secret", "body", (digest: string) => digest.slice(0, 62)],
    ["that is empty", "secret", "body", () => ""],
  ])("%s does not verify", async (_, secret, body, change) => {
    const signature = change(await hmacHex("secret", "body"));
    expect(await verifyHubSignature(secret, bytesOf(body), signature)).toBe(false);
  });
});

describe("webhook-signature", () => {
  it.each(vectors.standardWebhooks)("of $id is the published one", async (vector) => {
    const { secret, id, timestamp, body, signature } = vector;
    const message = { id, timestamp, body: bytesOf(body) };
    expect(await standardSignature(await importSigningKeys(secret), message)).toBe(signature);
  });
});
