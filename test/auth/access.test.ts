import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it, type Mock, vi } from "vitest";
import { sign } from "hono/utils/jwt/jwt";
import { createApp } from "../../src/app";
import { origin } from "../pages/page";

const audience = "the-audience-tag";
const email = "ada@example.com";

type Key = JsonWebKey & { kid: string; alg: "RS256" };
let keys: CryptoKeyPair;
let strangersKeys: CryptoKeyPair;

/** Each test has a team of its own: what is known of one does not help another. */
let issuer = "";
let teams = 0;
let fetchKeys: Mock<typeof fetch>;

beforeAll(async () => {
  keys = await makeKeys();
  strangersKeys = await makeKeys();
});

beforeEach(async () => {
  teams += 1;
  issuer = `https://team-${teams}.cloudflareaccess.com`;
  const body = JSON.stringify({ keys: [await exportKey(keys.publicKey, "key-1")], public_certs: [] });
  fetchKeys = vi.fn<typeof fetch>(() => Promise.resolve(new Response(body)));
  vi.spyOn(globalThis, "fetch").mockImplementation(fetchKeys);
  vi.spyOn(console, "warn").mockReturnValue();
});

async function makeKeys(): Promise<CryptoKeyPair> {
  const algorithm = {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  return (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
}

async function exportKey(key: CryptoKey, kid: string): Promise<Key> {
  return { ...((await crypto.subtle.exportKey("jwk", key)) as JsonWebKey), kid, alg: "RS256" };
}

function nowS(): number {
  return Math.floor(Date.now() / 1000);
}

/** An assertion as Access makes it, with `changes`. */
async function assertion(
  changes: Record<string, unknown> = {},
  { signer = keys, kid = "key-1" }: { signer?: CryptoKeyPair; kid?: string } = {},
): Promise<string> {
  const claims = {
    iss: issuer,
    aud: [audience],
    email,
    iat: nowS(),
    nbf: nowS(),
    exp: nowS() + 60,
    ...changes,
  };
  return sign(claims, await exportKey(signer.privateKey, kid), "RS256");
}

/** Whether the pages take whoever sends this for signed in. @param changes to the settings. */
async function isSignedIn(jwt: string, changes: Partial<Env> = {}): Promise<boolean> {
  const headers = { "Cf-Access-Jwt-Assertion": jwt };
  const settings = { ...env, ACCESS_TEAM_DOMAIN: issuer, ACCESS_AUD: audience, ...changes };
  return (await createApp().request(`${origin}/sign-in`, { headers }, settings)).status === 303;
}

describe("Cloudflare Access", () => {
  it("signs in whom it vouches for", async () => {
    expect(await isSignedIn(await assertion())).toBe(true);
    expect(fetchKeys).toHaveBeenCalledWith(`${issuer}/cdn-cgi/access/certs`, expect.anything());
  });

  it("may be named without its scheme", async () => {
    const ACCESS_TEAM_DOMAIN = issuer.replace("https://", "");
    expect(await isSignedIn(await assertion(), { ACCESS_TEAM_DOMAIN })).toBe(true);
  });

  it("signs in nobody while it is not set", async () => {
    const none = { ACCESS_TEAM_DOMAIN: "", ACCESS_AUD: "" };
    expect(await isSignedIn(await assertion(), none)).toBe(false);
    expect(fetchKeys).not.toHaveBeenCalled();
  });

  it("is not believed with keys in an answer without end", async () => {
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new TextEncoder().encode(" ".repeat(10_000))),
    });
    fetchKeys.mockResolvedValue(new Response(endless));
    expect(await isSignedIn(await assertion())).toBe(false);
  });

  it("is never half set", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    for (const half of [
      { ACCESS_TEAM_DOMAIN: "" },
      { ACCESS_AUD: "" },
      { ACCESS_TEAM_DOMAIN: "http://x.test" },
    ]) {
      const settings = { ...env, ACCESS_TEAM_DOMAIN: issuer, ACCESS_AUD: audience, ...half };
      const response = await createApp().request("/health", {}, settings);
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ message: expect.stringContaining("ACCESS_AUD") });
    }
  });

  it.each<[what: string, changes: () => Record<string, unknown>]>([
    ["of another application", () => ({ aud: ["another-audience"] })],
    ["of no application", () => ({ aud: undefined })],
    ["of another team", () => ({ iss: "https://evil.cloudflareaccess.com" })],
    ["of no team", () => ({ iss: undefined })],
    ["that has expired", () => ({ exp: nowS() })],
    ["that never expires", () => ({ exp: undefined })],
    ["that does not hold yet", () => ({ nbf: nowS() + 60 })],
    ["of a service, without an e-mail address", () => ({ email: undefined, common_name: "service" })],
    ["with an empty e-mail address", () => ({ email: "" })],
    ["with an e-mail address that is none", () => ({ email: { a: 1 } })],
  ])("refuses an assertion %s", async (_, changes) => {
    expect(await isSignedIn(await assertion(changes()))).toBe(false);
  });

  it("refuses what someone else signed", async () => {
    expect(await isSignedIn(await assertion({}, { signer: strangersKeys }))).toBe(false);
  });

  it("refuses what was changed after it was signed", async () => {
    const [header, , signature] = (await assertion()).split(".");
    const [, claims] = (await assertion({ email: "eve@example.com" })).split(".");
    expect(await isSignedIn(`${header}.${claims}.${signature}`)).toBe(false);
  });

  it.each(["none", "HS256"])("refuses the algorithm %s", async (alg) => {
    const [, claims, signature] = (await assertion()).split(".");
    const header = btoa(JSON.stringify({ alg, typ: "JWT", kid: "key-1" })).replaceAll("=", "");
    expect(await isSignedIn(`${header}.${claims}.${signature}`)).toBe(false);
    expect(await isSignedIn(`${header}.${claims}.`)).toBe(false);
  });

  it.each(["", "x", "a.b.c", "..", "é"])("refuses %j", async (jwt) => {
    expect(await isSignedIn(encodeURIComponent(jwt))).toBe(false);
  });

  it("is asked for its keys once an hour", async () => {
    const now = Date.now();
    for (const [afterMs, calls] of [
      [0, 1],
      [1000, 1],
      [3_599_999, 1],
      [3_600_000, 2],
    ] as const) {
      vi.useFakeTimers({ toFake: ["Date"], now: now + afterMs });
      expect(await isSignedIn(await assertion())).toBe(true);
      expect(fetchKeys).toHaveBeenCalledTimes(calls);
    }
  });

  it("is asked again for a key that is not known, once a minute", async () => {
    const now = Date.now();
    for (const [afterMs, calls] of [
      [0, 1],
      [59_999, 1],
      [60_000, 2],
    ] as const) {
      vi.useFakeTimers({ toFake: ["Date"], now: now + afterMs });
      expect(await isSignedIn(await assertion({}, { kid: "key-2" }))).toBe(false);
      expect(fetchKeys).toHaveBeenCalledTimes(calls);
    }
  });

  it("signs in nobody while its keys cannot be read, and is asked again after five seconds", async () => {
    const now = Date.now();
    const failures = [new Response("", { status: 503 }), new Response("{}"), new Response("no JSON"), null];
    for (const [index, answer] of failures.entries()) {
      if (answer === null) fetchKeys.mockRejectedValueOnce(new TypeError("Network connection lost."));
      else fetchKeys.mockResolvedValueOnce(answer);
      for (const afterMs of [0, 1, 4999]) {
        vi.useFakeTimers({ toFake: ["Date"], now: now + index * 5000 + afterMs });
        expect(await isSignedIn(await assertion())).toBe(false);
        expect(fetchKeys).toHaveBeenCalledTimes(index + 1);
      }
    }
    vi.useFakeTimers({ toFake: ["Date"], now: now + failures.length * 5000 });
    expect(await isSignedIn(await assertion())).toBe(true);
    expect(fetchKeys).toHaveBeenCalledTimes(failures.length + 1);
  });

  it("is not asked more often for a key that is not known or when its keys are old, either", async () => {
    expect(await isSignedIn(await assertion())).toBe(true);
    const now = Date.now();
    for (const [afterMs, kid] of [
      [60_000, "key-2"],
      [3_600_000, "key-1"],
    ] as const) {
      fetchKeys.mockClear().mockResolvedValueOnce(new Response("", { status: 500 }));
      for (const laterMs of [0, 4999]) {
        vi.useFakeTimers({ toFake: ["Date"], now: now + afterMs + laterMs });
        expect(await isSignedIn(await assertion({}, { kid }))).toBe(false);
      }
      expect(fetchKeys).toHaveBeenCalledTimes(1);
    }
  });

  it("is asked once for requests that come together, and all of them are signed in, or none", async () => {
    for (const isThere of [false, true]) {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 5000 });
      fetchKeys.mockClear();
      const { promise, resolve } = Promise.withResolvers<Response>();
      fetchKeys.mockReturnValueOnce(promise);
      const jwt = await assertion();
      const all = Promise.all(Array.from({ length: 30 }, () => isSignedIn(jwt)));
      await vi.waitFor(() => expect(fetchKeys).toHaveBeenCalled());
      const jwks = { keys: [await exportKey(keys.publicKey, "key-1")] };
      resolve(isThere ? Response.json(jwks) : new Response("", { status: 503 }));
      expect(await all).toEqual(Array.from({ length: 30 }, () => isThere));
      expect(fetchKeys).toHaveBeenCalledTimes(1);
    }
  });

  it("writes no assertion into the log", async () => {
    const log = vi.spyOn(console, "warn").mockReturnValue();
    const jwt = await assertion({ exp: nowS() - 1 });
    await isSignedIn(jwt);
    expect(log).toHaveBeenCalledOnce();
    expect(JSON.stringify(log.mock.calls)).not.toContain(jwt.split(".")[1]);
  });

  it("says nothing to the API, which wants a token", async () => {
    const headers = { "Cf-Access-Jwt-Assertion": await assertion() };
    const settings = { ...env, ACCESS_TEAM_DOMAIN: issuer, ACCESS_AUD: audience };
    expect((await createApp().request("/api/audit", { headers }, settings)).status).toBe(401);
  });
});
