import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { newToken } from "../../src/auth/token";
import { createApp } from "../../src/app";
import { api, notifications } from "../api";
import { forAll } from "../for-all";
import { post, signIn } from "../pages/page";
import { hmacHex } from "../sign";
import { makeToken, makeUsedToken } from "../tokens";

const subscribers = `${notifications}/subscribers`;
const [rightToken = ""] = env.API_TOKENS.split(",");
const app = createApp();

/** A request that claims to be somebody, from an address. */
type Claim = (address: string, isRight: boolean) => Promise<Response>;

function ask(path: string, init: RequestInit, address: string): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("CF-Connecting-IP", address);
  return Promise.resolve(app.request(path, { ...init, headers }, env));
}

const claims: [what: string, claim: Claim, rightStatus: number][] = [
  [
    "a token of the API",
    (address, isRight) =>
      ask(
        subscribers,
        { headers: { Authorization: `Bearer ${isRight ? rightToken : "a-wrong-token"}` } },
        address,
      ),
    200,
  ],
  [
    "a well-formed token of the API",
    (address, isRight) =>
      ask(
        subscribers,
        { headers: { Authorization: `Bearer ${isRight ? rightToken : newToken()}` } },
        address,
      ),
    200,
  ],
  [
    "a token that publishes",
    (address, isRight) => {
      const token = isRight ? rightToken : newToken();
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      return ask("/api/events", { method: "POST", headers, body: "{}" }, address);
    },
    400,
  ],
  [
    "a token of the sign-in",
    (address, isRight) => {
      const body = new URLSearchParams({ token: isRight ? rightToken : "a-wrong-token" });
      return ask("/sign-in", { method: "POST", headers: { Origin: "http://localhost" }, body }, address);
    },
    303,
  ],
  [
    "a signature of Orchest's",
    async (address, isRight) => {
      const signature = isRight ? await hmacHex(env.ORCHEST_INGEST_SECRET, "{}") : "0".repeat(64);
      const headers = { "X-Hub-Signature": signature };
      return ask("/api/events/orchest", { method: "POST", headers, body: "{}" }, address);
    },
    200,
  ],
];

function quiet(): void {
  vi.spyOn(console, "warn").mockReturnValue();
  vi.spyOn(scheduler, "wait").mockResolvedValue();
}

describe("wrong tokens and signatures", () => {
  it("are counted by their address, and refused with 429, a sentence and Retry-After when they are too many", () => {
    quiet();
    const limit = vi.spyOn(env.GUESS_LIMIT, "limit").mockResolvedValue({ success: false });
    return forAll(claims, async (_, claim) => {
      limit.mockClear();
      const response = await claim("192.0.2.1", false);
      expect(response.status).toBe(429);
      expect(response.headers.get("Retry-After")).toBe("60");
      expect(await response.json()).toEqual({
        message: expect.stringMatching(
          /^Too many wrong (tokens|signatures) from your address\. Try again in 60 seconds\.$/,
        ),
      });
      expect(limit.mock.calls).toEqual([[{ key: "192.0.2.1" }]]);
    });
  });

  it("are a 401 until then", () => {
    quiet();
    return forAll(claims, async (_, claim) => expect((await claim("192.0.2.2", false)).status).toBe(401));
  });

  it("from one address do not hinder right ones from it, which are not counted", () => {
    quiet();
    const limit = vi.spyOn(env.GUESS_LIMIT, "limit").mockResolvedValue({ success: false });
    return forAll(claims, async (_, claim, rightStatus) => {
      expect((await claim("192.0.2.3", false)).status).toBe(429);
      limit.mockClear();
      expect((await claim("192.0.2.3", true)).status).toBe(rightStatus);
      expect(limit).not.toHaveBeenCalled();
    });
  });

  it("are refused when hundreds come in a row, and others' are not", async () => {
    const [, claim] = claims[0] ?? [];
    const statuses: (number | undefined)[] = [];
    // In whichever minutes they fall, more than a minute's share comes in one of them.
    for (let i = 0; i < 400; i++) statuses.push((await claim?.("192.0.2.4", false))?.status);
    expect(statuses[0]).toBe(401);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(200);
    expect((await claim?.("192.0.2.5", false))?.status).toBe(401);
  });

  it("are counted for the network that one client of IPv6 has, not for each of its addresses", () => {
    const limit = vi.spyOn(env.GUESS_LIMIT, "limit");
    return forAll<[address: string, key: string]>(
      [
        ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
        ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
        ["2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"],
        ["2001:db8::1:2:3:4:5", "2001:db8:0:1::/64"],
        ["2001:db8::1", "2001:db8:0:0::/64"],
        ["::1", "0:0:0:0::/64"],
        ["::ffff:192.0.2.9", "::ffff:192.0.2.9"],
        ["192.0.2.9", "192.0.2.9"],
      ],
      async (address, key) => {
        limit.mockClear();
        await ask(subscribers, { headers: { Authorization: "Bearer wrong" } }, address);
        expect(limit.mock.calls).toEqual([[{ key }]]);
      },
    );
  });

  it("are none where there is no token at all, a malformed one, or no signature", async () => {
    const limit = vi.spyOn(env.GUESS_LIMIT, "limit");
    const wrong: Record<string, string>[] = [
      {},
      { Authorization: "Basic dGVzdA==" },
      { Authorization: "Bearer" },
    ];
    for (const headers of wrong) expect((await ask(subscribers, { headers }, "192.0.2.6")).status).toBe(401);
    expect((await ask("/api/events/orchest", { method: "POST", body: "{}" }, "192.0.2.6")).status).toBe(401);
    expect(limit).not.toHaveBeenCalled();
  });

  it("are answered with 401 when nobody can count", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(env.GUESS_LIMIT, "limit").mockRejectedValue(new Error("unreachable"));
    const headers = { Authorization: "Bearer wrong" };
    expect((await ask(subscribers, { headers }, "192.0.2.7")).status).toBe(401);
  });
});

/** Counts the statements that D1 is asked to run. */
function statements(): () => number {
  const prepare = vi.spyOn(env.DB, "prepare");
  return () => prepare.mock.calls.length;
}

function reads(token: string): Promise<number> {
  return api("GET", subscribers, undefined, {
    token,
    headers: { "CF-Connecting-IP": crypto.randomUUID() },
  }).then(({ status }) => status);
}

describe("an unknown token", () => {
  it("costs no query of its own, be it the same one or another each time", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 30_000 });
    const token = newToken();
    expect(await reads(token)).toBe(401);
    const count = statements();
    for (let i = 0; i < 10; i++) {
      expect(await reads(token)).toBe(401);
      expect(await reads(newToken())).toBe(401);
    }
    expect(count()).toBe(0);
  });

  it("costs none when many come at the same moment", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 10_000 });
    const count = statements();
    const answers = await Promise.all(Array.from({ length: 30 }, () => reads(newToken())));
    expect(new Set(answers)).toEqual(new Set([401]));
    expect(count()).toBe(1);
  });

  it("costs none at the sign-in either, beside the audit log's", async () => {
    quiet();
    await post("/sign-in", { token: newToken() });
    const selects = vi.spyOn(env.DB, "prepare");
    await post("/sign-in", { token: newToken() });
    expect(selects.mock.calls.filter(([sql]) => sql.includes("tokens"))).toEqual([]);
  });

  it("that is made after it was refused works: at once where it was made", async () => {
    expect(await reads(newToken())).toBe(401);
    for (let i = 0; i < 3; i++) expect(await reads((await makeUsedToken(["webhooks:read"])).token)).toBe(200);
  });

  it("that is made elsewhere after it was refused works within seconds", async () => {
    const now = Date.now() + 20_000;
    vi.useFakeTimers({ toFake: ["Date"], now });
    const { token } = await makeUsedToken(["webhooks:read"]);
    await env.DB.prepare("ALTER TABLE tokens RENAME TO hidden").run();
    await env.DB.prepare("CREATE TABLE tokens AS SELECT * FROM hidden WHERE false").run();
    expect(await reads(newToken())).toBe(401);
    await env.DB.prepare("INSERT INTO tokens SELECT * FROM hidden").run();
    vi.setSystemTime(now + 5000);
    expect(await reads(token)).toBe(200);
  });

  it("does not keep known ones from working, whatever else is refused", async () => {
    const { token } = await makeUsedToken(["webhooks:read"]);
    for (let i = 0; i < 3; i++) {
      expect(await reads(newToken())).toBe(401);
      expect(await reads(token)).toBe(200);
    }
    expect(await signIn(token)).not.toBe("");
    expect((await makeToken(["webhooks:read"])).token).not.toBe("");
  });
});

describe("GET /health", () => {
  it("costs no query of its own: D1 is looked at once in five seconds, also while something is wrong", async () => {
    const prepare = vi.spyOn(env.DB, "prepare");
    const batch = vi.spyOn(env.DB, "batch");
    const app = createApp();
    const health = async (): Promise<number> => (await app.request("/health", {}, env)).status;
    const start = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: start });
    expect(await Promise.all(Array.from({ length: 20 }, health))).toEqual(
      Array.from({ length: 20 }, () => 200),
    );
    // The first call of an isolate also looks where the lanes are.
    expect(batch).toHaveBeenCalledTimes(2);
    vi.setSystemTime(start + 5000);
    vi.spyOn(console, "error").mockReturnValue();
    prepare.mockImplementation(() => {
      throw new Error("D1 is gone");
    });
    prepare.mockClear();
    for (let i = 0; i < 5; i++) expect(await health()).toBe(503);
    expect(prepare.mock.calls.length).toBeGreaterThan(0);
    expect(prepare.mock.calls.length).toBeLessThanOrEqual(2);
    prepare.mockRestore();
    vi.setSystemTime(start + 10_000);
    expect(await health()).toBe(200);
  });
});
