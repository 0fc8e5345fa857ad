import { describe, expect, it } from "vitest";
import { ConfigurationError } from "../../src/platform/errors";
import { keyId, encryptSettings, decryptSettings } from "../../src/platform/encryption";

const settings = { url: "https://hooks.example.com/secret-path", secret: "schlüssel 🔑" };
const webhook = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const other = "11111111-2222-4333-8444-555555555555";

function newKey(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(32));
}

describe("sealing", () => {
  it("decrypts what was encrypted", async () => {
    const keys = [newKey()];
    expect(await decryptSettings(keys, webhook, await encryptSettings(keys, webhook, settings))).toEqual(
      settings,
    );
  });

  it("reveals nothing of what was encrypted", async () => {
    const encrypted = await encryptSettings([newKey()], webhook, settings);
    expect(encrypted).toMatch(/^[0-9a-f]{8}\.[\w-]+$/);
    expect(encrypted).not.toContain("secret-path");
  });

  it("encrypts the same settings differently every time", async () => {
    const keys = [newKey()];
    expect(await encryptSettings(keys, webhook, settings)).not.toBe(
      await encryptSettings(keys, webhook, settings),
    );
  });

  it("still decrypts what an older key encrypted, after a new one came first", async () => {
    const old = newKey();
    const encrypted = await encryptSettings([old], webhook, settings);
    expect(await decryptSettings([newKey(), old], webhook, encrypted)).toEqual(settings);
  });

  it("encrypts with the first key", async () => {
    const [first, second] = [newKey(), newKey()];
    const encrypted = await encryptSettings([first, second], webhook, settings);
    expect(await decryptSettings([first], webhook, encrypted)).toEqual(settings);
    await expect(decryptSettings([second], webhook, encrypted)).rejects.toThrow(ConfigurationError);
  });

  it("refuses settings that were put under another webhook", async () => {
    const keys = [newKey()];
    const encrypted = await encryptSettings(keys, webhook, settings);
    await expect(decryptSettings(keys, other, encrypted)).rejects.toThrow(ConfigurationError);
  });

  it("refuses settings of which any one character was changed", async () => {
    const keys = [newKey()];
    const encrypted = await encryptSettings(keys, webhook, settings);
    // The very last character may carry unused bits.
    for (let index = 0; index < encrypted.length - 1; index += 7) {
      const changed = encrypted[index] === "A" ? "B" : "A";
      const tampered = encrypted.slice(0, index) + changed + encrypted.slice(index + 1);
      await expect(decryptSettings(keys, webhook, tampered)).rejects.toThrow(ConfigurationError);
    }
  });

  it("refuses settings of which any one bit was changed", async () => {
    const keys = [newKey()];
    const [id, text = ""] = (await encryptSettings(keys, webhook, settings)).split(".");
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const tampered = bytes.slice();
      tampered[bit >> 3] = (tampered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const encrypted = `${id}.${tampered.toBase64({ alphabet: "base64url", omitPadding: true })}`;
      await expect(decryptSettings(keys, webhook, encrypted)).rejects.toThrow("were tampered with");
    }
  });

  it("refuses settings that were cut short or added to", async () => {
    const keys = [newKey()];
    const [id, text = ""] = (await encryptSettings(keys, webhook, settings)).split(".");
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    const changed = [0, 1, 11, 12, 27, 28, bytes.length - 1].map((length) => bytes.slice(0, length));
    for (const part of [...changed, new Uint8Array([...bytes, 0])]) {
      const encrypted = `${id}.${part.toBase64({ alphabet: "base64url", omitPadding: true })}`;
      await expect(decryptSettings(keys, webhook, encrypted)).rejects.toThrow(ConfigurationError);
    }
  });

  it("refuses the ciphertext of one webhook behind the nonce of another", async () => {
    const keys = [newKey()];
    const [one, another] = [
      await encryptSettings(keys, webhook, settings),
      await encryptSettings(keys, webhook, settings),
    ];
    const encrypted = one.slice(0, 9 + 16) + another.slice(9 + 16);
    await expect(decryptSettings(keys, webhook, encrypted)).rejects.toThrow(ConfigurationError);
  });

  it("refuses what one key encrypted under the id of another", async () => {
    const keys = [newKey(), newKey()];
    const [first, second] = keys;
    if (first === undefined || second === undefined) throw new Error("There are two.");
    const encrypted = `${await keyId(second)}${(await encryptSettings(keys, webhook, settings)).slice(8)}`;
    await expect(decryptSettings(keys, webhook, encrypted)).rejects.toThrow("were tampered with");
  });

  it("never uses a nonce twice", async () => {
    const keys = [newKey()];
    const encrypted = await Promise.all(
      Array.from({ length: 500 }, () => encryptSettings(keys, webhook, settings)),
    );
    expect(new Set(encrypted.map((text) => text.slice(9, 25))).size).toBe(500);
  });

  it.each(["", ".", "no-dot", "deadbeef.AAAA"])("refuses %j as encrypted settings", async (encrypted) => {
    await expect(decryptSettings([newKey()], webhook, encrypted)).rejects.toThrow(ConfigurationError);
  });

  it.each(["", "AAAA", "not base64 !"])("refuses %j behind the id of the right key", async (text) => {
    const keys = [newKey()];
    const [id] = (await encryptSettings(keys, webhook, settings)).split(".");
    await expect(decryptSettings(keys, webhook, `${id}.${text}`)).rejects.toThrow(ConfigurationError);
  });

  it("never says the secret or the URL in an error", async () => {
    const keys = [newKey()];
    const encrypted = await encryptSettings(keys, webhook, settings);
    await expect(decryptSettings(keys, other, encrypted)).rejects.toThrow(
      /^(?!.*(secret-path|schlüssel)).*$/,
    );
  });

  it("refuses to encrypt without a key", async () => {
    await expect(encryptSettings([], webhook, settings)).rejects.toThrow(ConfigurationError);
  });
});
