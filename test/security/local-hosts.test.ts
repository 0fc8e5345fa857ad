import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app";

const local = { ...env, ALLOW_PRIVATE_TARGETS: "true" };
const token = { Authorization: `Bearer ${env.API_TOKENS.split(",")[0]}` };

type Call = { method?: string; path?: string; headers?: Record<string, string>; settings?: Env };

/** What the gateway answers when it is called by this host. */
async function call(
  host: string,
  { method = "GET", path = "/health", headers = {}, settings = local }: Call = {},
) {
  vi.spyOn(console, "warn").mockReturnValue();
  return createApp().request(`http://${host}${path}`, { method, headers }, settings);
}

describe("a gateway that lets webhooks reach private targets", () => {
  it("answers when it is called by the names of this machine, on any port and in any spelling of a URL", async () => {
    const names = ["127.0.0.1", "localhost", "[::1]", "LOCALHOST", "[0:0:0:0:0:0:0:1]"];
    for (const host of names.flatMap((name) => [name, `${name}:8787`])) {
      expect({ host, status: (await call(host)).status }).toEqual({ host, status: 200 });
    }
  });

  it("refuses every other name with 403 and a sentence, whatever it is asked for", async () => {
    const hosts = [
      "evil.example",
      "evil.example:8787",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "evil-localhost",
      "localhost.",
      "127.0.0.2",
      "0.0.0.0",
      "192.168.1.2",
      "[::2]",
      "[::ffff:127.0.0.1]",
      "gateway.localhost",
    ];
    for (const host of hosts) {
      const response = await call(host);
      expect({ host, status: response.status }).toEqual({ host, status: 403 });
      expect(await response.json()).toEqual({ message: expect.stringMatching(/127\.0\.0\.1, localhost/) });
    }
  });

  it("does so before it looks at anything else: path, method, token, body, or its own settings", async () => {
    const upgrade = { Upgrade: "websocket", Origin: "http://evil.example" };
    const calls: Call[] = [
      { path: "/api/notifications/subscribers", headers: token },
      { path: "/api/notifications/subscribers" },
      { path: "/api/events", method: "POST", headers: token },
      { path: "/api/events/orchest", method: "POST" },
      { path: "/" },
      { path: "/sign-in", method: "POST" },
      { path: "/webhooks/0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d/live", headers: upgrade },
      { path: "/openapi.json" },
      { path: "/docs" },
      { path: "/nothing-is-here", method: "DELETE" },
      { path: "/api/events", method: "OPTIONS" },
      { path: "/", method: "HEAD" },
      { settings: { ...local, API_TOKENS: "" } },
    ];
    const query = vi.spyOn(env.DB, "prepare");
    for (const asked of calls) {
      const { status } = await call("evil.example", asked);
      expect({ asked, status }).toEqual({ asked, status: 403 });
    }
    expect(query).not.toHaveBeenCalled();
  });

  it("goes by the header Host, too, where a proxy says another URL", async () => {
    expect((await call("127.0.0.1", { headers: { Host: "evil.example" } })).status).toBe(403);
    expect((await call("127.0.0.1", { headers: { Host: "evil.example:8787" } })).status).toBe(403);
    expect((await call("127.0.0.1", { headers: { Host: "%" } })).status).toBe(403);
    expect((await call("evil.example", { headers: { Host: "127.0.0.1" } })).status).toBe(403);
    expect((await call("127.0.0.1", { headers: { Host: "localhost:8787" } })).status).toBe(200);
  });

  it("refuses what a page of another origin sends, also where the host is right", async () => {
    const path = "/api/notifications/subscribers";
    for (const [origin, status] of [
      ["http://evil.example", 403],
      ["http://evil.example:8787", 403],
      ["null", 403],
      ["", 403],
      ["http://127.0.0.1:8787", 200],
      ["http://localhost:3000", 200],
      ["http://[::1]", 200],
    ] as const) {
      const answer = await call("127.0.0.1", { path, headers: { ...token, Origin: origin } });
      expect({ origin, status: answer.status }).toEqual({ origin, status });
    }
  });

  it("takes the forms of its own pages, whose referrer policy makes browsers call their origin null", async () => {
    const path = "/sign-out";
    for (const [site, status] of [
      ["same-origin", 303],
      ["same-site", 403],
      ["cross-site", 403],
      ["none", 403],
    ] as const) {
      const headers = { Origin: "null", "Sec-Fetch-Site": site };
      for (const host of ["127.0.0.1:8787", "localhost"]) {
        const answer = await call(host, { method: "POST", path, headers });
        expect({ site, status: answer.status }).toEqual({ site, status });
      }
      expect((await call("evil.example", { method: "POST", path, headers })).status).toBe(403);
    }
  });

  it("believes no header in which proxies name another host", async () => {
    const headers = {
      "X-Forwarded-Host": "127.0.0.1",
      Forwarded: "host=127.0.0.1",
      "MF-Original-URL": "http://127.0.0.1/",
      "X-Host": "127.0.0.1",
    };
    expect((await call("evil.example", { headers })).status).toBe(403);
  });

  it("keeps its refusal out of every cache", async () => {
    expect((await call("evil.example")).headers.get("Cache-Control")).toBe("no-store, no-transform");
  });
});

it("a gateway that does not answers to any name, as its zone leads to it", async () => {
  for (const allowed of ["false", ""]) {
    const settings = { ...env, ALLOW_PRIVATE_TARGETS: allowed };
    expect((await call("gateway.example.com", { settings })).status).toBe(200);
  }
});
