import { describe, expect, it } from "vitest";
import { ConfigurationError } from "../src/errors";
import { seal, unseal } from "../src/sealing";

const settings = { url: "https://hooks.example.com/secret-path", secret: "schlüssel 🔑" };
const webhook = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const other = "11111111-2222-4333-8444-555555555555";

function newKey(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(32));
}

describe("sealing", () => {
  it("gives back what was sealed", async () => {
    const keys = [newKey()];
    expect(await unseal(keys, webhook, await seal(keys, webhook, settings))).toEqual(settings);
  });

  it("shows nothing of what was sealed", async () => {
    const sealed = await seal([newKey()], webhook, settings);
    expect(sealed).toMatch(/^[0-9a-f]{8}\.[\w-]+$/);
    expect(sealed).not.toContain("secret-path");
  });

  it("seals the same settings differently every time", async () => {
    const keys = [newKey()];
    expect(await seal(keys, webhook, settings)).not.toBe(await seal(keys, webhook, settings));
  });

  it("still opens what an older key sealed, after a new one came first", async () => {
    const old = newKey();
    const sealed = await seal([old], webhook, settings);
    expect(await unseal([newKey(), old], webhook, sealed)).toEqual(settings);
  });

  it("seals with the first key", async () => {
    const [first, second] = [newKey(), newKey()];
    const sealed = await seal([first, second], webhook, settings);
    expect(await unseal([first], webhook, sealed)).toEqual(settings);
    await expect(unseal([second], webhook, sealed)).rejects.toThrow(ConfigurationError);
  });

  it("refuses settings that were put under another webhook", async () => {
    const keys = [newKey()];
    const sealed = await seal(keys, webhook, settings);
    await expect(unseal(keys, other, sealed)).rejects.toThrow(ConfigurationError);
  });

  it("refuses settings of which any one character was changed", async () => {
    const keys = [newKey()];
    const sealed = await seal(keys, webhook, settings);
    // The very last character may carry unused bits.
    for (let index = 0; index < sealed.length - 1; index += 7) {
      const changed = sealed[index] === "A" ? "B" : "A";
      const tampered = sealed.slice(0, index) + changed + sealed.slice(index + 1);
      await expect(unseal(keys, webhook, tampered)).rejects.toThrow(ConfigurationError);
    }
  });

  it.each(["", ".", "no-dot", "deadbeef.AAAA"])("refuses %j as sealed settings", async (sealed) => {
    await expect(unseal([newKey()], webhook, sealed)).rejects.toThrow(ConfigurationError);
  });

  it.each(["", "AAAA", "not base64 !"])("refuses %j behind the id of the right key", async (text) => {
    const keys = [newKey()];
    const [id] = (await seal(keys, webhook, settings)).split(".");
    await expect(unseal(keys, webhook, `${id}.${text}`)).rejects.toThrow(ConfigurationError);
  });

  it("never says the secret or the URL in an error", async () => {
    const keys = [newKey()];
    const sealed = await seal(keys, webhook, settings);
    await expect(unseal(keys, other, sealed)).rejects.toThrow(/^(?!.*(secret-path|schlüssel)).*$/);
  });

  it("refuses to seal without a key", async () => {
    await expect(seal([], webhook, settings)).rejects.toThrow(ConfigurationError);
  });
});
