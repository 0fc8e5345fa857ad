import { describe, expect, it } from "vitest";
import { api } from "../api";
import { get } from "./page";
import { reader } from "./webhooks/people";

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
});
