import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app";
import { get, origin, signIn } from "./page";

describe("an error", () => {
  it("is a page where a browser asks for one", async () => {
    const { status, headers, html } = await get("/nothing-is-here");
    expect(status).toBe(404);
    expect(headers.get("Content-Type")).toMatch(/^text\/html/);
    expect(html).toContain("There is no GET /nothing-is-here here.");
  });

  it("escapes what was asked for", async () => {
    expect((await get("/%3Cscript%3E")).html).not.toContain("<script>");
  });

  it("of the API is JSON for browsers, too", async () => {
    const { html } = await get("/api/audit");
    expect(JSON.parse(html)).toEqual({ message: expect.any(String) });
  });

  it("of ours says nothing about it", async () => {
    const cookie = await signIn("test-token-of-the-suite");
    vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new TypeError("internal detail");
    });
    const headers = { Accept: "text/html", Cookie: cookie };
    const response = await createApp().request(`${origin}/`, { headers }, env);
    expect(response.status).toBe(500);
    const html = await response.text();
    expect(html).toContain("Something went wrong on our side.");
    expect(html).not.toContain("internal detail");
  });
});
