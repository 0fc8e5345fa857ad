import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { forgetToken } from "../../../src/auth/stored-tokens";
import { scopes } from "../../../src/auth/scopes";
import { api, notifications } from "../../api";
import { listTokens, makeToken, makeUsedToken, type NewTokenAnswer, type TokenAnswer } from "../../tokens";

const subscribers = `${notifications}/subscribers`;
const minuteMs = 60_000;
const hourMs = 3_600_000;

/** What reading with this token answers. */
async function reads(token: string): Promise<number> {
  return (await api("GET", subscribers, undefined, { token })).status;
}

/** Sets the clock for the rest of the test. */
function at(ms: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: ms });
}

async function storedRow(uuid: string): Promise<Record<string, unknown> | null> {
  return env.DB.prepare("SELECT * FROM tokens WHERE uuid = ?").bind(uuid).first();
}

describe("POST /api/tokens", () => {
  it("answers 201 with the token", async () => {
    const spec = { name: "Orchest", scopes: ["webhooks:write"], expires_at: "2126-11-05T12:00:00Z" };
    const answer = await api<NewTokenAnswer>("POST", "/api/tokens", spec);
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: "Orchest",
      scopes: ["webhooks:write"],
      created_at: expect.stringMatching(/Z$/),
      expires_at: "2126-11-05T12:00:00.000Z",
      last_used_at: null,
      revoked_at: null,
      token: expect.stringMatching(/^owh_[A-Za-z0-9_-]{43}$/),
    });
  });

  it("makes a token that works, and never expires unless it is said", async () => {
    const { token, expires_at } = await makeUsedToken(["webhooks:read"]);
    expect(expires_at).toBeNull();
    expect(await reads(token)).toBe(200);
  });

  it("keeps only its hash", async () => {
    const { id, token } = await makeToken(["admin"]);
    const row = JSON.stringify(await storedRow(id));
    expect(row).not.toContain(token);
    expect(row).not.toContain(token.slice(4));
  });

  it.each<[what: string, spec: unknown, message: RegExp]>([
    ["no name", { scopes: ["admin"] }, /^name: is required and must be 1 to 100 characters\.$/],
    ["an empty name", { name: "", scopes: ["admin"] }, /^name: must be 1 to 100 characters/],
    ["a name of blanks", { name: "  ", scopes: ["admin"] }, /^name: must be 1 to 100 characters/],
    ["too long a name", { name: "a".repeat(101), scopes: ["admin"] }, /^name: must be 1 to 100/],
    ["half a character in its name", { name: "\ud800", scopes: ["admin"] }, /^name: must be well-formed/],
    ["no scopes", { name: "a" }, /^scopes: is required/],
    ["an empty list of scopes", { name: "a", scopes: [] }, /^scopes: must be at least one of webhooks:read/],
    ["an unknown scope", { name: "a", scopes: ["root"] }, /^scopes\[0\]: must be one of webhooks:read/],
    ["a scope twice", { name: "a", scopes: ["admin", "admin"] }, /^scopes: must not name a scope twice/],
    ["scopes that are no list", { name: "a", scopes: "admin" }, /^scopes: /],
    [
      "an expiry in the past",
      { name: "a", scopes: ["admin"], expires_at: "2020-01-01T00:00:00Z" },
      /^expires_at: must be/,
    ],
    [
      "an expiry that is no time",
      { name: "a", scopes: ["admin"], expires_at: "soon" },
      /^expires_at: must be/,
    ],
    ["an expiry that is a number", { name: "a", scopes: ["admin"], expires_at: 1 }, /^expires_at: must be/],
    [
      "an unknown field",
      { name: "a", scopes: ["admin"], token: "owh_mine" },
      /^unknown token: a token has the fields name/,
    ],
    ["no object", [], /^a token must be an object/],
  ])("refuses %s", async (_, spec, message) => {
    const answer = await api("POST", "/api/tokens", spec);
    expect(answer.status).toBe(400);
    expect(answer.body.message).toMatch(message);
    expect(await listTokens()).toEqual([]);
  });

  it("takes a name of 100 characters, and every scope at once", async () => {
    const name = "🦀".repeat(100);
    const made = await makeToken([...scopes], { name });
    expect(made).toMatchObject({ name, scopes });
  });
});

describe("GET /api/tokens", () => {
  it("lists newest first, with everything but the token and its hash", async () => {
    const first = await makeToken(["webhooks:read"], { name: "first" });
    const second = await makeToken(["admin"], { name: "second" });
    const answer = await api<{ tokens: TokenAnswer[]; next_cursor: null }>("GET", "/api/tokens");
    const shown = [second, first].map(({ token: _token, ...rest }) => rest);
    expect(answer.body).toEqual({ tokens: shown, next_cursor: null });
    expect(answer.text).not.toMatch(/owh_|hash/);
  });

  it("does not list the tokens of the setting", async () => {
    expect(await listTokens()).toEqual([]);
  });

  it("has pages", async () => {
    for (const name of ["a", "b", "c"]) await makeToken(["admin"], { name });
    type Page = { tokens: TokenAnswer[]; next_cursor: string | null };
    const { body: one } = await api<Page>("GET", "/api/tokens?limit=2");
    expect(one.tokens.map(({ name }) => name)).toEqual(["c", "b"]);
    const { body: two } = await api<Page>("GET", `/api/tokens?limit=2&cursor=${one.next_cursor}`);
    expect(two.tokens.map(({ name }) => name)).toEqual(["a"]);
    expect(two.next_cursor).toBeNull();
  });
});

describe("DELETE /api/tokens/{id}", () => {
  it("ends a token: at once where it was revoked", async () => {
    const { id, token } = await makeUsedToken(["webhooks:read"]);
    expect(await reads(token)).toBe(200);
    const answer = await api("DELETE", `/api/tokens/${id}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: `Token ${id} is revoked.` });
    expect(await reads(token)).toBe(401);
    expect((await listTokens())[0]?.revoked_at).toMatch(/Z$/);
  });

  it("ends it within a minute where another isolate revoked it", async () => {
    at(Date.now());
    const { id, token } = await makeUsedToken(["webhooks:read"]);
    expect(await reads(token)).toBe(200);
    await env.DB.prepare("UPDATE tokens SET revoked_at = 1 WHERE uuid = ?").bind(id).run();
    at(Date.now() + minuteMs - 1);
    expect(await reads(token)).toBe(200);
    at(Date.now() + 1);
    expect(await reads(token)).toBe(401);
  });

  it("may be repeated, and keeps the first time", async () => {
    const { id } = await makeToken(["webhooks:read"]);
    await api("DELETE", `/api/tokens/${id}`);
    const [before] = await listTokens();
    expect((await api("DELETE", `/api/tokens/${id.toUpperCase()}`)).status).toBe(200);
    expect((await listTokens())[0]).toEqual(before);
  });

  it.each(["0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d", "no-uuid"])("answers 404 for %s", async (id) => {
    const answer = await api("DELETE", `/api/tokens/${id}`);
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual({ message: `Token ${id} does not exist.` });
  });

  it("ends an administrator's own token, too", async () => {
    const { id, token } = await makeUsedToken(["admin"]);
    expect((await api("DELETE", `/api/tokens/${id}`, undefined, { token })).status).toBe(200);
    expect(await reads(token)).toBe(401);
  });
});

describe("a token", () => {
  it("expires at its time, also while it is known", async () => {
    const now = Date.parse("2026-11-05T12:00:00Z");
    at(now);
    const { token } = await makeUsedToken(["webhooks:read"], { expires_at: "2026-11-05T12:00:30Z" });
    at(now + 29_999);
    expect(await reads(token)).toBe(200);
    at(now + 30_000);
    expect(await reads(token)).toBe(401);
  });

  it("is looked up once a minute at most", async () => {
    const { id, token } = await makeUsedToken(["webhooks:read"]);
    await reads(token);
    await env.DB.prepare("DELETE FROM tokens WHERE uuid = ?").bind(id).run();
    expect(await reads(token)).toBe(200);
    forgetToken(id);
    expect(await reads(token)).toBe(401);
  });

  it("that is known is believed while D1 fails, for ten minutes, and asked about every ten seconds", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    const now = Date.parse("2026-11-05T12:00:00Z");
    at(now);
    const { token } = await makeUsedToken(["events:publish"]);
    const publishes = async (): Promise<number> => (await api("POST", "/api/events", "{}", { token })).status;
    expect(await publishes()).toBe(400);
    const prepare = vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1 is down");
    });
    for (const afterMs of [minuteMs - 1, minuteMs, minuteMs + 9999, 10 * minuteMs - 1]) {
      at(now + afterMs);
      expect(await publishes(), `after ${afterMs} ms`).toBe(400);
    }
    expect(prepare.mock.calls.length).toBeGreaterThan(0);
    expect(prepare.mock.calls.length).toBeLessThanOrEqual(4);
    at(now + 10 * minuteMs);
    expect(await publishes()).toBe(503);
    prepare.mockRestore();
    expect(await publishes()).toBe(400);
  });

  it("is looked up again when D1 fails for a moment", async () => {
    const { token } = await makeUsedToken(["webhooks:read"]);
    for (let failures = 0; failures < 2; failures += 1)
      vi.spyOn(env.DB, "prepare").mockImplementationOnce(() => {
        throw new Error("D1 is down");
      });
    expect(await reads(token)).toBe(200);
  });

  it("whose hash only begins like a known one is refused", async () => {
    const { id, token } = await makeUsedToken(["webhooks:read"]);
    await env.DB.prepare("UPDATE tokens SET hash = substr(hash, 1, 63) || 'x' WHERE uuid = ?").bind(id).run();
    expect(await reads(token)).toBe(401);
  });

  it("has its last use noted, at most once an hour", async () => {
    const now = Date.parse("2026-11-05T12:00:00Z");
    at(now);
    const { id, token } = await makeToken(["webhooks:read"]);
    const lastUse = async (): Promise<unknown> => (await storedRow(id))?.["last_used_at"];

    await reads(token);
    await vi.waitFor(async () => expect(await lastUse()).toBe(now));
    at(now + hourMs);
    await reads(token);
    expect(await lastUse()).toBe(now);
    at(now + hourMs + 1);
    await reads(token);
    await vi.waitFor(async () => expect(await lastUse()).toBe(now + hourMs + 1));
  });

  it("works while its use cannot be noted", async () => {
    const log = vi.spyOn(console, "warn").mockReturnValue();
    const { token } = await makeToken(["webhooks:read"]);
    await env.DB.prepare(
      "CREATE TRIGGER t BEFORE UPDATE ON tokens BEGIN SELECT RAISE(FAIL, 'no'); END",
    ).run();
    expect(await reads(token)).toBe(200);
    await vi.waitFor(() => expect(log).toHaveBeenCalledWith(expect.stringContaining("use of a token")));
  });
});
