import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/platform/config";
import { ConfigurationError } from "../../src/platform/errors";
import { forAll } from "../for-all";

const key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

describe("the configuration", () => {
  it("is read from the environment", () => {
    const config = readConfig(env);
    expect(config.apiTokens).toEqual(["test-token-of-the-suite", "second-token-of-the-suite"]);
    expect(config.encryptionKeys.map((bytes) => bytes.length)).toEqual([32]);
    expect(config.orchestIngestSecret).toBe("ingest-secret-of-the-suite");
    expect(config.allowPrivateTargets).toBe(false);
  });

  it("takes several tokens and keys, with spaces and empty parts around them", () => {
    const [a, b] = ["a".repeat(16), "b".repeat(16)];
    const config = readConfig({ ...env, API_TOKENS: ` ${a} , ${b},,`, ENCRYPTION_KEY: `${key}, ${key}` });
    expect(config.apiTokens).toEqual([a, b]);
    expect(config.encryptionKeys).toHaveLength(2);
  });

  it("takes 1 to 256 event shards, and no part of one", () =>
    forAll(["0", "", "2.5", "257", "many", undefined], (shards) => {
      expect(readConfig({ ...env, EVENT_SHARDS: "256" }).eventShards).toBe(256);
      const wrong = { ...env, EVENT_SHARDS: shards } as typeof env;
      expect(() => readConfig(wrong)).toThrow("EVENT_SHARDS must be a whole number from 1 to 256.");
    }));

  it("names a secret that is empty", () =>
    forAll(["API_TOKENS", "ENCRYPTION_KEY", "ORCHEST_INGEST_SECRET"], (name) => {
      const incomplete = { ...env, [name]: " , " };
      expect(() => readConfig(incomplete)).toThrow(ConfigurationError);
      expect(() => readConfig(incomplete)).toThrow(name);
    }));

  it("names a secret that was never set", () =>
    forAll(["API_TOKENS", "ENCRYPTION_KEY", "ORCHEST_INGEST_SECRET"], (name) => {
      expect(() => readConfig({ ...env, [name]: undefined })).toThrow(name);
    }));

  it("refuses a token or an ingest secret of fewer than 16 characters, without showing it", () =>
    forAll<[name: string, value: string, message: string | null]>(
      [
        ["API_TOKENS", "a".repeat(15), "API_TOKENS: each token must have at least 16 characters."],
        ["API_TOKENS", `${"a".repeat(16)},${"b".repeat(15)}`, "API_TOKENS: each token must have"],
        ["API_TOKENS", `${"b".repeat(14)} , ${"a".repeat(16)}`, "API_TOKENS: each token must have"],
        ["API_TOKENS", "😀".repeat(8), "API_TOKENS: each token must have"],
        ["API_TOKENS", `${"a".repeat(16)}, ${"b".repeat(16)}`, null],
        ["ORCHEST_INGEST_SECRET", "a".repeat(15), "ORCHEST_INGEST_SECRET: must have at least 16 characters."],
        ["ORCHEST_INGEST_SECRET", ` ${"a".repeat(15)} `, "ORCHEST_INGEST_SECRET: must have"],
        ["ORCHEST_INGEST_SECRET", "a".repeat(16), null],
      ],
      (name, value, message) => {
        const read = () => readConfig({ ...env, [name]: value });
        if (message === null) return read();
        expect(read).toThrow(ConfigurationError);
        expect(read).toThrow(message);
        expect(read).not.toThrow(value.trim());
        return expect(read).toThrow("openssl rand -hex 32");
      },
    ));

  it("refuses an encryption key that is not 32 bytes, without showing it", () =>
    forAll(
      [
        ["31 bytes", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=="],
        ["33 bytes", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"],
        ["no base64", "this is not base64!"],
      ],
      (_, malformed) => {
        const read = () => readConfig({ ...env, ENCRYPTION_KEY: malformed });
        expect(read).toThrow("ENCRYPTION_KEY must be 32 bytes in base64");
        expect(read).not.toThrow(malformed);
      },
    ));

  it("allows no private targets for anything but true", () =>
    forAll(["false", "", "1", "TRUE", "yes"], (text) => {
      expect(readConfig({ ...env, ALLOW_PRIVATE_TARGETS: text }).allowPrivateTargets).toBe(false);
    }));

  it("allows http targets unless told otherwise", () =>
    forAll(
      [
        ["true", true],
        [undefined, true],
        ["false", false],
        ["", false],
        ["no", false],
        ["TRUE", false],
      ],
      (text, allowed) => {
        const settings = { ...env, ALLOW_HTTP_TARGETS: text } as Env;
        expect(readConfig(settings).allowHttpTargets).toBe(allowed);
      },
    ));

  it("reads the gateway's own hosts", () =>
    forAll(
      [
        ["", []],
        [undefined, []],
        ["gateway.example.com", ["gateway.example.com"]],
        [" Gateway.Example.com. ,, bücher.example ", ["gateway.example.com", "xn--bcher-kva.example"]],
      ],
      (text, hosts) => {
        const settings = { ...env, GATEWAY_HOSTS: text } as Env;
        expect(readConfig(settings).gatewayHosts).toEqual(hosts);
      },
    ));

  it("reads the address of Orchest's pages", () =>
    forAll(
      [
        ["", null],
        [undefined, null],
        [" https://orchest.example.com ", "https://orchest.example.com/"],
        ["http://localhost:8000/orchest", "http://localhost:8000/orchest"],
      ],
      (text, url) => {
        expect(readConfig({ ...env, ORCHEST_URL: text } as Env).orchestUrl).toBe(url);
      },
    ));

  it("refuses an address of Orchest that is none", () =>
    forAll(
      [
        "orchest.example.com",
        "ftp://orchest.example.com",
        "https://u:p@orchest.example.com",
        "https://a/?x=1",
        "https://a/#x",
      ],
      (text) => {
        expect(() => readConfig({ ...env, ORCHEST_URL: text })).toThrow(/ORCHEST_URL must be the address/);
      },
    ));

  it("refuses an own host that is none", () =>
    forAll(
      ["https://gateway.example.com", "gateway.example.com/x", "gateway.example.com:8787", "a b", "@", "?"],
      (text) => {
        expect(() => readConfig({ ...env, GATEWAY_HOSTS: text })).toThrow(/GATEWAY_HOSTS must be host names/);
      },
    ));

  it("allows private targets for true", () => {
    expect(readConfig({ ...env, ALLOW_PRIVATE_TARGETS: "true" }).allowPrivateTargets).toBe(true);
  });
});
