import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app";
import { api } from "../api";
import { makeUsedToken } from "../tokens";
import { cookieOf, get, origin, post, signIn } from "./page";

const hourMs = 3_600_000;

/** Whether this cookie is that of someone who is signed in: they are led on from the sign-in. */
async function isSignedIn(cookie: string): Promise<boolean> {
  return (await get("/sign-in", cookie)).status === 303;
}

function quiet(): void {
  vi.spyOn(console, "warn").mockReturnValue();
}

function at(ms: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: ms });
}

describe("GET /sign-in", () => {
  it("shows a form that works without scripts", async () => {
    const { status, headers, html } = await get("/sign-in");
    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toMatch(/^text\/html/);
    expect(html).toMatch(/^<!doctype html><html lang="en">/);
    expect(html).toContain('<form class="stack" method="post" action="/sign-in">');
    expect(html).toContain('<label for="token">API token</label>');
    expect(html).not.toMatch(/<script(?! type="module" src="\/)|<style| style=| on[a-z]+=/);
  });

  it("has landmarks, a skip link and a title", async () => {
    const { html } = await get("/sign-in");
    expect(html).toContain('<a class="skip-link" href="#content">');
    expect(html).toContain('<main id="content"');
    expect(html).toContain("<header");
    expect(html).toContain("<title>Sign in · Orchest webhooks</title>");
    expect(html.match(/<h1/g)).toHaveLength(1);
  });

  it("asks for nothing from elsewhere", async () => {
    const { html } = await get("/sign-in");
    const links = [...html.matchAll(/(?:src|href|action)="([^"]*)"/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((link) => !/^[/#](?!\/)/.test(link ?? ""))).toEqual([]);
  });

  it("escapes where to go on to", async () => {
    const { html } = await get(`/sign-in?next=${encodeURIComponent('/"><script>alert(1)</script>')}`);
    expect(html).not.toContain("<script>alert");
  });

  it("says that nothing was saved where another form led here, and only there", async () => {
    const sentence = "You were signed out. Your changes were not saved.";
    expect((await get("/sign-in?unsaved=yes&next=%2Fwebhooks%2Fnew")).html).toContain(sentence);
    expect((await get("/sign-in?next=%2Fwebhooks%2Fnew")).html).not.toContain(sentence);
  });

  it("leads on who is signed in already", async () => {
    const { status, headers } = await get(
      "/sign-in?next=/webhooks/1",
      await signIn("test-token-of-the-suite"),
    );
    expect(status).toBe(303);
    expect(headers.get("Location")).toBe("/webhooks/1");
  });
});

describe("POST /sign-in", () => {
  it("sets a cookie that scripts, other sites and plain connections do not get, for 12 hours", async () => {
    const { status, headers } = await post("/sign-in", { token: "test-token-of-the-suite" });
    expect(status).toBe(303);
    expect(headers.get("Location")).toBe("/");
    const [value, ...attributes] = headers.get("Set-Cookie")?.split("; ") ?? [];
    expect(value).toMatch(/^__Host-session=/);
    expect(attributes.toSorted()).toEqual([
      "HttpOnly",
      "Max-Age=43200",
      "Path=/",
      "SameSite=Strict",
      "Secure",
    ]);
    expect(decodeURIComponent(value ?? "")).not.toContain("test-token-of-the-suite");
  });

  it("does so on this machine, too, where there is no https", async () => {
    const response = await createApp().request(
      "http://127.0.0.1:8787/sign-in",
      {
        method: "POST",
        headers: { Origin: "http://127.0.0.1:8787" },
        body: new URLSearchParams({ token: "test-token-of-the-suite" }),
      },
      env,
    );
    expect(response.headers.get("Set-Cookie")).toMatch(/^session=.*; HttpOnly; Secure; SameSite=Strict$/);
  });

  it.each([
    ["/webhooks/1?status=dead", "/webhooks/1?status=dead"],
    ["//evil.test", "/"],
    ["https://evil.test/", "/"],
  ])("leads on to %s as %s", async (next, location) => {
    const { headers } = await post("/sign-in", { token: "test-token-of-the-suite", next });
    expect(headers.get("Location")).toBe(location);
  });

  it("takes a token with blanks around it, as they come from copying", async () => {
    expect((await post("/sign-in", { token: " test-token-of-the-suite\n" })).status).toBe(303);
  });

  it.each(["", "wrong", "test-token-of-the-suite2", "owh_", `owh_${"a".repeat(43)}`])(
    "refuses %j, says so and shows the form again",
    async (token) => {
      quiet();
      const { status, headers, html } = await post("/sign-in", { token, next: "/webhooks/1" });
      expect(status).toBe(401);
      expect(headers.get("Set-Cookie")).toBeNull();
      expect(html).toContain('role="alert"');
      expect(html).toContain("Invalid token");
      expect(html).toContain('value="/webhooks/1"');
    },
  );

  it("does not show the token that it refuses", async () => {
    quiet();
    const { html } = await post("/sign-in", { token: "mistyped-secret" });
    expect(html).not.toContain("mistyped-secret");
  });

  it("takes its time to refuse", async () => {
    quiet();
    const wait = vi.spyOn(scheduler, "wait");
    await post("/sign-in", { token: "wrong" });
    expect(wait).toHaveBeenCalledWith(500);
  });

  it("refuses a token that may not read webhooks, and says which scope it takes", async () => {
    quiet();
    const { token } = await makeUsedToken(["events:publish"]);
    const { status, html } = await post("/sign-in", { token });
    expect(status).toBe(403);
    expect(html).toContain("webhooks:read");
  });

  it("says so in its form when too many wrong tokens came from an address", async () => {
    quiet();
    vi.spyOn(env.GUESS_LIMIT, "limit").mockResolvedValue({ success: false });
    const { status, headers, html } = await post("/sign-in", { token: "wrong" });
    expect(status).toBe(429);
    expect(headers.get("Retry-After")).toBe("60");
    expect(headers.get("Set-Cookie")).toBeNull();
    expect(html).toContain("Too many wrong tokens from your address. Try again in 60 seconds.");
  });

  it("takes any number of right tokens from an address", async () => {
    const limit = vi.spyOn(env.GUESS_LIMIT, "limit");
    for (let i = 0; i < 3; i++) await signIn("test-token-of-the-suite");
    expect(limit).not.toHaveBeenCalled();
  });

  it.each<[what: string, headers: Record<string, string>]>([
    ["another site", { Origin: "https://evil.test", "Sec-Fetch-Site": "cross-site" }],
    ["a neighbouring site", { Origin: "https://other.gateway.test", "Sec-Fetch-Site": "same-site" }],
    ["nowhere", { Origin: "null", "Sec-Fetch-Site": "none" }],
  ])("refuses a form of %s", async (_, headers) => {
    const { status, html } = await post("/sign-in", { token: "test-token-of-the-suite" }, { headers });
    expect(status).toBe(403);
    expect(html).toContain("Forms are accepted only from this site&#39;s own pages.");
  });
});

describe("a session", () => {
  it("ends after 12 hours", async () => {
    const now = Date.parse("2026-11-05T12:00:00Z");
    at(now);
    const cookie = await signIn("test-token-of-the-suite");
    at(now + 12 * hourMs - 1);
    expect(await isSignedIn(cookie)).toBe(true);
    at(now + 12 * hourMs);
    expect(await isSignedIn(cookie)).toBe(false);
  });

  it("ends when its token is revoked", async () => {
    const { id, token } = await makeUsedToken(["admin"]);
    const cookie = await signIn(token);
    expect(await isSignedIn(cookie)).toBe(true);
    await api("DELETE", `/api/tokens/${id}`);
    expect(await isSignedIn(cookie)).toBe(false);
  });

  it("ends when its token expires", async () => {
    const now = Date.parse("2026-11-05T12:00:00Z");
    at(now);
    const { token } = await makeUsedToken(["admin"], { expires_at: "2026-11-05T13:00:00Z" });
    const cookie = await signIn(token);
    at(now + hourMs);
    expect(await isSignedIn(cookie)).toBe(false);
  });

  it("ends when its token is taken out of the setting", async () => {
    const cookie = await signIn("second-token-of-the-suite");
    const request = { headers: { Cookie: cookie } };
    const url = `${origin}/sign-in`;
    expect((await createApp().request(url, request, env)).status).toBe(303);
    const changed = { ...env, API_TOKENS: "test-token-of-the-suite" };
    expect((await createApp().request(url, request, changed)).status).toBe(200);
  });

  it("outlives a rotation of ENCRYPTION_KEY, and no more than that", async () => {
    const cookie = await signIn("test-token-of-the-suite");
    const newKey = btoa(String.fromCharCode(...new Uint8Array(32).fill(7)));
    const ask = async (ENCRYPTION_KEY: string): Promise<number> =>
      (
        await createApp().request(
          `${origin}/sign-in`,
          { headers: { Cookie: cookie } },
          { ...env, ENCRYPTION_KEY },
        )
      ).status;
    expect(await ask(`${newKey},${env.ENCRYPTION_KEY}`)).toBe(303);
    expect(await ask(newKey)).toBe(200);
  });

  it.each<[what: string, change: (value: string) => string]>([
    [
      "whose signature was changed",
      // Its first character: some bits of the last one say nothing.
      (value) => value.replace(/\..(?=[^.]*$)/, (first) => (first === ".A" ? ".B" : ".A")),
    ],
    ["whose time was changed", (value) => value.replace(/%20\d/, "%209")],
    ["of someone else", (value) => value.replace(/bootstrap%3A./, (id) => `${id.slice(0, -1)}g`)],
    ["without a signature", (value) => value.split(".")[0] ?? ""],
    ["that is empty", () => "__Host-session="],
    ["under the name that is used without https", (value) => value.replace("__Host-", "")],
  ])("is invalid with a cookie %s", async (_, change) => {
    const cookie = await signIn("test-token-of-the-suite");
    const changed = change(cookie);
    expect(changed).not.toBe(cookie);
    expect(await isSignedIn(changed)).toBe(false);
  });

  it("says nothing to the API, which wants a token", async () => {
    const headers = { Cookie: await signIn("test-token-of-the-suite") };
    expect((await api("GET", "/api/audit", undefined, { token: null, headers })).status).toBe(401);
  });

  it("is in the audit log from its beginning to its end", async () => {
    const cookie = await signIn("test-token-of-the-suite");
    await post("/sign-out", {}, { cookie });
    const { body } = await api<{ entries: { action: string; actor: string }[] }>("GET", "/api/audit");
    expect(body.entries.map(({ action }) => action)).toEqual(["session.ended", "session.started"]);
    expect(body.entries[0]?.actor).toMatch(/^bootstrap:/);
  });
});

describe("POST /sign-out", () => {
  it("takes the cookie away and leads to the sign-in", async () => {
    const { status, headers } = await post(
      "/sign-out",
      {},
      { cookie: await signIn("test-token-of-the-suite") },
    );
    expect(status).toBe(303);
    expect(headers.get("Location")).toBe("/sign-in");
    expect(headers.get("Set-Cookie")).toMatch(/^__Host-session=; Max-Age=0; Path=\/;/);
    expect(await isSignedIn(cookieOf(headers))).toBe(false);
  });

  it("does no harm to someone who is not signed in", async () => {
    expect((await post("/sign-out")).status).toBe(303);
    const { body } = await api<{ entries: unknown[] }>("GET", "/api/audit");
    expect(body.entries).toEqual([]);
  });

  it("is not done by another site", async () => {
    const cookie = await signIn("test-token-of-the-suite");
    const headers = { Origin: "https://evil.test", "Sec-Fetch-Site": "cross-site" };
    expect((await post("/sign-out", {}, { cookie, headers })).status).toBe(403);
  });
});
