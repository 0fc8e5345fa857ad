import { describe, expect, it } from "vitest";
import { exports } from "cloudflare:workers";
import { api, makeWebhook } from "../api";
import { get } from "./page";
import { reader } from "./webhooks/people";

async function policy(path: string): Promise<string> {
  const response = await exports.default.fetch(`https://gateway.test${path}`);
  return response.headers.get("Content-Security-Policy") ?? "";
}

describe("GET /docs", () => {
  it("shows every path of the OpenAPI document, to anyone", async () => {
    const { body } = await api<{ paths: Record<string, Record<string, unknown>> }>("GET", "/openapi.json");
    const { status, html } = await get("/docs");
    expect(status).toBe(200);
    for (const [path, item] of Object.entries(body.paths)) {
      for (const method of Object.keys(item)) {
        expect(html.replaceAll("&#x2F;", "/")).toContain(`${method.toUpperCase()} ${path}`);
      }
    }
  });

  it("says which scope a path needs, and which paths need no token", async () => {
    const { html } = await get("/docs");
    const cardOf = (endpoint: string): string =>
      html.split("<article").find((card) => card.includes(`<code>${endpoint}</code>`)) ?? "";
    expect(cardOf("GET /api/audit")).toContain("Requires the scope <code>admin</code>");
    expect(cardOf("POST /api/events")).toContain("Requires the scope <code>events:publish</code>");
    expect(cardOf("GET /health")).toContain("No token required");
  });

  it("shows people who are signed in the way back to their pages", async () => {
    const { html } = await get("/docs", await reader());
    expect(html).toContain('<a href="/docs" aria-current="page">');
    expect((await get("/docs")).html).not.toContain('aria-label="Main"');
  });

  it("may load the reader's scripts from this site only, and no other page has its policy", async () => {
    expect(await policy("/docs")).toMatch(/script-src 'self';.*style-src 'self' 'unsafe-inline'/);
    for (const path of ["/sign-in", "/docs/try/api/events"]) {
      expect(await policy(path)).not.toContain("unsafe-inline");
    }
  });
});

describe("the try-out of the reader", () => {
  const path = "/docs/try/api/notifications/subscribers";

  async function tryOut(headers: Record<string, string>): Promise<{ status: number; text: string }> {
    const response = await exports.default.fetch(new Request(`https://gateway.test${path}`, { headers }));
    return { status: response.status, text: await response.text() };
  }

  it("calls the API as the person who is signed in, with their scopes", async () => {
    const { uuid } = await makeWebhook();
    const own = { "Sec-Fetch-Site": "same-origin" };
    const { status, text } = await tryOut({ ...own, Cookie: await reader() });
    expect([status, text]).toEqual([200, expect.stringContaining(uuid)]);
    const deletion = { method: "DELETE", headers: { ...own, Cookie: await reader() } };
    const refused = await exports.default.fetch(new Request(`https://gateway.test${path}/${uuid}`, deletion));
    expect([refused.status, await refused.json()]).toEqual([
      403,
      { message: expect.stringContaining("needs the scope webhooks:write") },
    ]);
  });

  it("takes no request of another page, of nobody, or of a token", async () => {
    const cookie = await reader();
    for (const site of ["cross-site", "same-site", "none", ""]) {
      expect((await tryOut({ "Sec-Fetch-Site": site, Cookie: cookie })).status).toBe(403);
    }
    expect((await tryOut({ Cookie: cookie })).status).toBe(403);
    const own = { "Sec-Fetch-Site": "same-origin" };
    expect((await tryOut(own)).status).toBe(401);
    expect((await tryOut({ ...own, Authorization: "Bearer test-token-of-the-suite" })).status).toBe(401);
  });

  it("leaves the API itself without cookies", async () => {
    const headers = { "Sec-Fetch-Site": "same-origin", Cookie: await reader() };
    const request = new Request("https://gateway.test/api/notifications/subscribers", { headers });
    expect((await exports.default.fetch(request)).status).toBe(401);
  });
});
