import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readConfig } from "../src/config";
import { ConfigurationError } from "../src/errors";

const key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

describe("the configuration", () => {
  it("is read from the environment", () => {
    const config = readConfig(env);
    expect(config.apiTokens).toEqual(["test-token", "second-token"]);
    expect(config.encryptionKeys.map((bytes) => bytes.length)).toEqual([32]);
    expect(config.orchestIngestSecret).toBe("ingest-secret");
    expect(config.allowPrivateTargets).toBe(false);
  });

  it("takes several tokens and keys, with spaces and empty parts around them", () => {
    const config = readConfig({ ...env, API_TOKENS: " a , b,,", ENCRYPTION_KEY: `${key}, ${key}` });
    expect(config.apiTokens).toEqual(["a", "b"]);
    expect(config.encryptionKeys).toHaveLength(2);
  });

  it.each(["API_TOKENS", "ENCRYPTION_KEY", "ORCHEST_INGEST_SECRET"])("names %s when it is empty", (name) => {
    const incomplete = { ...env, [name]: " , " };
    expect(() => readConfig(incomplete)).toThrow(ConfigurationError);
    expect(() => readConfig(incomplete)).toThrow(name);
  });

  it.each(["API_TOKENS", "ENCRYPTION_KEY", "ORCHEST_INGEST_SECRET"])(
    "names %s when it was never set",
    (name) => {
      expect(() => readConfig({ ...env, [name]: undefined })).toThrow(name);
    },
  );

  it.each([
    ["31 bytes", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=="],
    ["33 bytes", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"],
    ["no base64", "this is not base64!"],
  ])("refuses an encryption key of %s, without showing it", (_, malformed) => {
    const read = () => readConfig({ ...env, ENCRYPTION_KEY: malformed });
    expect(read).toThrow("ENCRYPTION_KEY must be 32 bytes in base64");
    expect(read).not.toThrow(malformed);
  });

  it.each(["false", "", "1", "TRUE", "yes"])("allows no private targets for %j", (text) => {
    expect(readConfig({ ...env, ALLOW_PRIVATE_TARGETS: text }).allowPrivateTargets).toBe(false);
  });

  it.each([
    ["true", true],
    [undefined, true],
    ["false", false],
    ["", false],
    ["no", false],
    ["TRUE", false],
  ])("says of http targets, for %j, that they are allowed: %j", (text, allowed) => {
    const settings = { ...env, ALLOW_HTTP_TARGETS: text } as Env;
    expect(readConfig(settings).allowHttpTargets).toBe(allowed);
  });

  it.each([
    ["", []],
    [undefined, []],
    ["gateway.example.com", ["gateway.example.com"]],
    [" Gateway.Example.com. ,, bücher.example ", ["gateway.example.com", "xn--bcher-kva.example"]],
  ])("reads the gateway's own hosts from %j", (text, hosts) => {
    const settings = { ...env, GATEWAY_HOSTS: text } as Env;
    expect(readConfig(settings).gatewayHosts).toEqual(hosts);
  });

  it.each([
    "https://gateway.example.com",
    "gateway.example.com/x",
    "gateway.example.com:8787",
    "a b",
    "@",
    "?",
  ])("refuses %j as an own host", (text) => {
    expect(() => readConfig({ ...env, GATEWAY_HOSTS: text })).toThrow(/GATEWAY_HOSTS must be host names/);
  });

  it("allows private targets for true", () => {
    expect(readConfig({ ...env, ALLOW_PRIVATE_TARGETS: "true" }).allowPrivateTargets).toBe(true);
  });
});
