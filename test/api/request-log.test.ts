import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app";
import { api, notifications, spec } from "../api";
import { consume } from "../queue";
import { captureLog } from "../receiver";

type Line = { level: string; message: string; [field: string]: unknown };

function linesOf(logged: string, message: string): Line[] {
  const lines = logged.split("\n").map((line) => JSON.parse(line) as Line);
  return lines.filter((line) => line.message === message);
}

describe("a request", () => {
  it.each([
    ["GET", `${notifications}/subscribers?secret=1`, undefined, "/api/notifications/subscribers", 200],
    ["GET", `${notifications}/subscribers/secret`, undefined, "/api/notifications/subscribers/:uuid", 404],
    ["POST", `${notifications}/subscribers/webhooks`, spec, "/api/notifications/subscribers/webhooks", 201],
    [
      "POST",
      `${notifications}/subscribers/webhooks`,
      "{secret",
      "/api/notifications/subscribers/webhooks",
      400,
    ],
    ["GET", "/health?secret", undefined, "/health", 200],
    ["GET", "/secret", undefined, "/*", 404],
  ])("is one line with its route and status: %s %s", async (method, path, body, route, status) => {
    const { logged } = captureLog();
    await api(method, path, body);
    expect(linesOf(logged(), "request")).toMatchObject([
      {
        level: "info",
        message: "request",
        method,
        route,
        status,
        duration_ms: expect.any(Number),
      },
    ]);
    expect(logged()).not.toMatch(/secret|test-token-of-the-suite/);
  });

  it("says who called, where a token was asked for", async () => {
    const { logged } = captureLog();
    await api("GET", `${notifications}/subscribers`);
    await api("GET", "/health");
    const [subscribers, health] = linesOf(logged(), "request");
    expect(subscribers?.["caller"]).toMatch(/^API_TOKENS \w+$/);
    expect(health).not.toHaveProperty("caller");
  });

  it("to an unknown path does not say it: it may hold anything", async () => {
    const { logged } = captureLog();
    expect((await api("GET", "/https://hooks.example.com/secret")).status).toBe(404);
    expect(linesOf(logged(), "request")).toMatchObject([{ status: 404 }]);
    expect(logged()).not.toMatch(/secret/);
  });

  it("without a token is a line, too", async () => {
    const { logged } = captureLog();
    await api("GET", `${notifications}/subscribers`, undefined, { token: "secret" });
    expect(linesOf(logged(), "request")).toMatchObject([{ status: 401 }]);
    expect(logged()).not.toMatch(/secret/);
  });

  it("that fails on our side says so in a line of its own, by the route", async () => {
    const { logged } = captureLog();
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new TypeError("internal detail");
    });
    await api("GET", `${notifications}/subscribers/secret`);
    const route = "/api/notifications/subscribers/:uuid";
    expect(linesOf(logged(), "request failed")).toMatchObject([{ level: "error", route }]);
    expect(linesOf(logged(), "request")).toMatchObject([{ route, status: 500 }]);
    expect(logged()).not.toMatch(/secret/);
  });
});

describe("a batch of queue messages", () => {
  it.each(["events", "events-dlq"])("of %s is one line, without what is in it", async (queue) => {
    const { logged } = captureLog();
    await consume(["no event, but secret", "another"], queue);
    expect(linesOf(logged(), "queue batch")).toEqual([
      { level: "info", message: "queue batch", queue, messages: 2, duration_ms: expect.any(Number) },
    ]);
    expect(logged()).not.toMatch(/secret/);
  });
});

describe("private targets that are allowed", () => {
  it("are warned of once, before the first request, and not shown to whoever asks for the health", async () => {
    const { logged } = captureLog();
    const local = { ...env, ALLOW_PRIVATE_TARGETS: "true" };
    const app = createApp();
    const first = await app.request("/health", {}, local);
    await app.request("/health", {}, local);
    expect(logged().split("\n")[0]).toMatch(/"level":"warn","message":"ALLOW_PRIVATE_TARGETS is on/);
    expect(logged().match(/ALLOW_PRIVATE_TARGETS/g)).toHaveLength(1);
    expect(await first.json()).toEqual({ status: "ok" });
  });
});
