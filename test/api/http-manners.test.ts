import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createApp } from "../../src/app";
import { api, notifications, spec } from "../api";
import { archived, makeEvent } from "../event";
import { forAll } from "../for-all";

const authorization = { Authorization: "Bearer test-token-of-the-suite" };
const subscribers = `${notifications}/subscribers`;

/** A request as it is, whose answer may be no JSON. */
function request(path: string, init: RequestInit = {}): Promise<Response> {
  return exports.default.fetch(new Request(`http://gateway.test${path}`, { redirect: "manual", ...init }));
}

describe("a method that a path does not have", () => {
  it("is a 405 that names in Allow those that it has", () =>
    forAll(
      [
        ["PATCH", subscribers, "GET, HEAD, OPTIONS"],
        ["DELETE", subscribers, "GET, HEAD, OPTIONS"],
        ["DELETE", "/api/events", "GET, HEAD, POST, OPTIONS"],
        ["GET", `${subscribers}/x/pause`, "POST, OPTIONS"],
        ["PUT", "/api/tokens", "GET, HEAD, POST, OPTIONS"],
        ["PROPFIND", "/api/audit", "GET, HEAD, OPTIONS"],
        ["POST", "/health", "GET, HEAD, OPTIONS"],
        ["DELETE", "/openapi.json", "GET, HEAD, OPTIONS"],
        ["PUT", "/events/new", "GET, HEAD, POST, OPTIONS"],
        ["PUT", `${subscribers}/webhooks`, "POST, OPTIONS"],
        ["DELETE", "/api/events/orchest", "POST, OPTIONS"],
      ],
      async (method, path, allow) => {
        const headers = { ...authorization, Origin: "http://gateway.test" };
        const response = await request(path, { method, headers });
        const allowed = response.headers.get("Allow")?.split(", ").toSorted();
        expect({ status: response.status, allowed }).toEqual({
          status: 405,
          allowed: allow.split(", ").toSorted(),
        });
        expect(await response.json()).toEqual({
          message: expect.stringContaining(`no ${method} ${path} here`),
        });
      },
    ));

  it("is a 405 also for who is no page of this site, and a form there is still refused", () =>
    forAll(
      [
        ["POST", "/health", 405],
        ["PATCH", "/", 405],
        ["DELETE", "/openapi.json", 405],
        ["POST", "/docs", 405],
        ["POST", "/nothing", 404],
        ["POST", "/events/new", 403],
        ["DELETE", "/docs/try/api/tokens", 403],
      ],
      async (method, path, status) => {
        expect((await request(path, { method })).status).toBe(status);
      },
    ));

  it("is a page with the same status and header for a browser", async () => {
    const response = await request("/docs", {
      method: "DELETE",
      headers: { Accept: "text/html", Origin: "http://gateway.test" },
    });
    expect([response.status, response.headers.get("Allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
    expect(await response.text()).toContain("<h1");
  });

  it("says nothing of the API's paths to those without a token", async () => {
    const answer = await api("DELETE", "/api/events", undefined, { token: null });
    expect([answer.status, answer.headers.get("Allow")]).toEqual([401, null]);
  });

  it("is OPTIONS: the answer has the path's methods", async () => {
    const response = await request("/api/events", { method: "OPTIONS", headers: authorization });
    expect([response.status, response.headers.get("Allow"), await response.text()]).toEqual([
      204,
      "POST, GET, HEAD, OPTIONS",
      "",
    ]);
  });

  it("is not what an object that does not exist, or a path that does not, is told", () =>
    forAll([`${subscribers}/unknown`, "/api/nothing", "/nothing"], async (path) => {
      const response = await request(path, { headers: authorization });
      expect([response.status, response.headers.get("Allow")]).toEqual([404, null]);
    }));
});

describe("a body in a coding of its own", () => {
  it("is a 415 that says which coding is taken, on every path", () =>
    forAll(
      [
        ["/api/events", "gzip"],
        ["/api/events", "GZIP"],
        ["/api/events", "identity, br"],
        ["/api/events", "zstd"],
        ["/api/events/orchest", "deflate"],
        [`${subscribers}/webhooks`, "x-gzip"],
      ],
      async (path, coding) => {
        const body = new Blob([JSON.stringify(makeEvent())])
          .stream()
          .pipeThrough(new CompressionStream("gzip"));
        const headers = { ...authorization, "Content-Type": "application/json", "Content-Encoding": coding };
        const response = await request(path, { method: "POST", headers, body });
        expect([response.status, response.headers.get("Accept-Encoding")]).toEqual([415, "identity"]);
        expect(await response.json()).toEqual({
          message: expect.stringContaining("without Content-Encoding"),
        });
      },
    ));

  it("is none when the coding is identity", async () => {
    const answer = await api("POST", "/api/events", makeEvent(), {
      headers: { "Content-Encoding": "identity" },
    });
    expect(answer.status).toBe(202);
  });
});

describe("a byte order mark at the beginning of a body", () => {
  it("is ignored, and not delivered", async () => {
    const [one, two] = [makeEvent(), makeEvent()];
    expect((await api("POST", "/api/events", `\uFEFF${JSON.stringify(one)}`)).status).toBe(202);
    expect((await api("POST", "/api/events", `\uFEFF[${JSON.stringify(two)}]`)).status).toBe(202);
    // Within one millisecond, the order of two requests is not told.
    expect(new Set((await archived()).map(({ body }) => body))).toEqual(
      new Set([one, two].map((event) => JSON.stringify(event))),
    );
  });

  it("is ignored in other JSON bodies too", async () => {
    const path = `${subscribers}/webhooks`;
    expect((await api("POST", path, `\uFEFF${JSON.stringify(spec)}`)).status).toBe(201);
    expect((await api("POST", path, `\uFEFF\uFEFF${JSON.stringify(spec)}`)).status).toBe(400);
  });
});

describe("a slash at the end of a path", () => {
  it("leads to the path without it, with the same method, body and query", () =>
    forAll(
      [
        ["GET", "/api/events/?limit=1", "/api/events?limit=1"],
        ["POST", "/api/events/", "/api/events"],
        ["PUT", `${subscribers}/webhooks/x/`, `${subscribers}/webhooks/x`],
        ["DELETE", `${subscribers}/x//`, `${subscribers}/x`],
        ["GET", "/health/", "/health"],
        ["GET", "/docs/", "/docs"],
        ["GET", "/openapi.json/", "/openapi.json"],
      ],
      async (method, path, location) => {
        const response = await request(path, { method, headers: authorization });
        expect([response.status, response.headers.get("Location")]).toEqual([308, location]);
      },
    ));

  it("never leads to another host", () =>
    forAll(
      ["//evil.example/", "///evil.example//", "//evil.example/%2e%2e/", "/\\evil.example/"],
      async (path) => {
        const response = await createApp().request(`http://gateway.test${path}`, {}, env);
        const location = response.headers.get("Location") ?? "/";
        expect(new URL(location, "http://gateway.test").host).toBe("gateway.test");
      },
    ));
});

describe("the OpenAPI document", () => {
  it("may be read by pages of any origin, also from a local gateway", () =>
    forAll([env, { ...env, ALLOW_PRIVATE_TARGETS: "true" }], async (settings) => {
      const headers = { Origin: "https://editor.example" };
      const response = await createApp().request("http://localhost/openapi.json", { headers }, settings);
      expect([response.status, response.headers.get("Access-Control-Allow-Origin")]).toEqual([200, "*"]);
    }));

  it("is the only one: no other answer may be", async () => {
    const response = await request("/api/events", {
      headers: { ...authorization, Origin: "https://editor.example" },
    });
    expect(response.headers.get("Access-Control-Allow-Origin")).toBeNull();
  });
});
