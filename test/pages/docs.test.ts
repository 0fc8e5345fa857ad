import { describe, expect, it } from "vitest";
import { api } from "../api";
import { get } from "./page";

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
});
