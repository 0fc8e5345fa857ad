import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app";
import { api, makeWebhook, notifications, spec } from "../api";
import { receiver } from "../receiver";

const headers = { Authorization: "Bearer test-token-of-the-suite", "Content-Type": "application/json" };
const subscribers = `${notifications}/subscribers`;

/** Has `limiter` refuse everything. */
function exhaust(limiter: RateLimit) {
  return vi.spyOn(limiter, "limit").mockResolvedValue({ success: false });
}

function ask(method: string, path: string, body?: unknown): Response | Promise<Response> {
  return createApp().request(
    path,
    { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) },
    env,
  );
}

describe("too many requests", () => {
  it("are refused with 429, a sentence and Retry-After", async () => {
    const limit = exhaust(env.API_LIMIT);
    const response = await ask("GET", subscribers);
    expect(response.status).toBe(429);
    expect(response.headers.get("Retry-After")).toBe("60");
    expect(await response.json()).toEqual({ message: "Too many requests. Try again in 60 seconds." });
    expect(limit).toHaveBeenCalledWith({ key: expect.stringMatching(/^bootstrap:/) });
  });

  it("are counted for callers only", async () => {
    const limit = exhaust(env.API_LIMIT);
    expect((await createApp().request(subscribers, {}, env)).status).toBe(401);
    expect((await createApp().request("/health", {}, env)).status).toBe(200);
    expect(limit).not.toHaveBeenCalled();
  });

  it("are none when they publish", async () => {
    exhaust(env.API_LIMIT);
    expect((await ask("POST", "/api/events", {})).status).toBe(400);
  });

  it("are let through when nobody can count", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(env.API_LIMIT, "limit").mockRejectedValue(new Error("unreachable"));
    expect((await ask("GET", subscribers)).status).toBe(200);
    expect(log).toHaveBeenCalledOnce();
  });
});

describe("too many test pings", () => {
  const before = `${subscribers}/webhooks/pre-creation-test-ping-delivery`;

  it("are refused before anything is sent", async () => {
    const { uuid } = await makeWebhook();
    const { received } = receiver();
    exhaust(env.PING_LIMIT);
    for (const response of [
      await ask("GET", `${subscribers}/test-ping-delivery/${uuid}`),
      await ask("POST", before, spec),
    ]) {
      expect(response.status).toBe(429);
      expect(response.headers.get("Retry-After")).toBe("60");
      expect(await response.json()).toEqual({ message: "Too many test pings. Try again in 60 seconds." });
    }
    expect(received).toEqual([]);
  });

  it("are counted only when they would be sent", async () => {
    const limit = exhaust(env.PING_LIMIT);
    expect((await ask("POST", before, { ...spec, url: "https://127.0.0.1/" })).status).toBe(400);
    expect((await ask("GET", `${subscribers}/test-ping-delivery/unknown`)).status).toBe(500);
    expect(limit).not.toHaveBeenCalled();
  });

  it("are more than 60 in a minute", async () => {
    const { received } = receiver();
    for (let i = 0; i < 61; i++) expect((await api("POST", before, spec)).status).toBe(200);
    expect(received).toHaveLength(61);
  });
});
