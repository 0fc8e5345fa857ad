import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app";
import { api, notifications, spec } from "../api";
import { forAll } from "../for-all";

const bodyBytesMax = 1024 * 1024;

describe("every answer", () => {
  it.each([
    ["an answer", "GET", `${notifications}/subscribers`, 200],
    ["an error", "GET", `${notifications}/subscribers/unknown`, 404],
    ["an unknown path", "GET", "/api/nothing-is-here", 404],
    ["the health", "GET", "/health", 200],
  ])("is neither stored nor transformed on its way: %s", async (_, method, path, status) => {
    const answer = await api(method, path);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("Cache-Control")).toBe("no-store, no-transform");
  });

  it("is neither stored nor transformed when it is a refusal", async () => {
    const answer = await api("GET", `${notifications}/subscribers`, undefined, { token: null });
    expect(answer.headers.get("Cache-Control")).toBe("no-store, no-transform");
  });
});

describe("an unknown path", () => {
  it.each([
    ["GET", "/nothing-is-here"],
    ["GET", "/api/nothing-is-here"],
    ["POST", "/api/events/unknown/deliveries"],
  ])("is a 404 in JSON: %s %s", async (method, path) => {
    const answer = await api(method, path);
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual({ message: `There is no ${method} ${path} here.` });
  });
});

/** A spec of so many bytes: blanks at the end are JSON too. */
function padded(bytes: number): string {
  return JSON.stringify(spec).padEnd(bytes, " ");
}

describe("the body", () => {
  const path = `${notifications}/subscribers/webhooks`;

  it("may have 1 MiB", async () => {
    expect((await api("POST", path, padded(bodyBytesMax))).status).toBe(201);
  });

  it("of one byte more is a 413 that names the limit", async () => {
    const answer = await api("POST", path, padded(bodyBytesMax + 1));
    expect(answer.status).toBe(413);
    expect(answer.body.message).toContain("1048576 bytes (1 MiB)");
  });

  it("is bounded also where its length is not announced", async () => {
    const body = new Blob([padded(bodyBytesMax + 1)]).stream();
    const headers = { Authorization: "Bearer test-token-of-the-suite", "Content-Type": "application/json" };
    const request = new Request(`http://gateway.test${path}`, { method: "POST", headers, body });
    expect((await createApp().fetch(request, env)).status).toBe(413);
  });

  it("that is malformed JSON is a 400", () =>
    forAll(["{", "", "{'url': 1}", '{"url":}', "\u0000", '{"url":"https://x.com",}'], async (body) => {
      const answer = await api("POST", path, body);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({ message: "Malformed JSON in request body" });
    }));

  it("that is no object is a 400", () =>
    forAll(["[]", "null", '"text"', "1", "true", "[[[[]]]]"], async (body) => {
      const answer = await api("POST", path, body);
      expect(answer.status).toBe(400);
      expect(answer.body.message).toMatch(/must be an object with the fields url, name, verify_ssl/);
    }));

  it("of another type is a 415 that names the right one", () =>
    forAll(
      ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", ""],
      async (type) => {
        const answer = await api("POST", path, spec, { headers: { "Content-Type": type } });
        expect(answer.status).toBe(415);
        expect(answer.body.message).toContain("Content-Type: application/json");
      },
    ));

  it("may name its character set, in any letters", () =>
    forAll(
      ["application/json; charset=utf-8", "application/json;charset=UTF-8", "APPLICATION/JSON"],
      async (type) => {
        expect((await api("POST", path, spec, { headers: { "Content-Type": type } })).status).toBe(201);
      },
    ));

  it("that is nested deeper than any program needs is a 400", async () => {
    const answer = await api("POST", path, `{"url":${"[".repeat(50_000)}${"]".repeat(50_000)}}`);
    expect(answer.status).toBe(400);
  });
});

describe("GET /health", () => {
  it("answers ok without a token", async () => {
    const answer = await api<unknown>("GET", "/health", undefined, { token: null });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ status: "ok" });
  });

  it.each(["API_TOKENS", "ENCRYPTION_KEY", "ORCHEST_INGEST_SECRET"])(
    "answers 503 and names %s",
    async (name) => {
      vi.spyOn(console, "error").mockReturnValue();
      const response = await createApp().request("/health", {}, { ...env, [name]: "" });
      expect(response.status).toBe(503);
      expect(await response.json()).toEqual({ status: "error", message: expect.stringContaining(name) });
    },
  );

  it("answers 503 for a token that is easily guessed, as the first request says with 500", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    const settings = { ...env, API_TOKENS: "hunter2" };
    const headers = { Authorization: "Bearer hunter2" };
    const health = await createApp().request("/health", {}, settings);
    const first = await createApp().request(`${notifications}/subscribers`, { headers }, settings);
    expect([health.status, first.status]).toEqual([503, 500]);
    for (const { message } of [
      await health.json<{ message: string }>(),
      await first.json<{ message: string }>(),
    ]) {
      expect(message).toMatch(/^API_TOKENS: each token must have at least 16 characters\./);
      expect(message).not.toContain("hunter2");
    }
  });

  it("answers 503 when the database cannot be reached, without its error", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1_ERROR: internal detail");
    });
    const response = await createApp().request("/health", {}, env);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ status: "error", message: "The database cannot be reached." });
  });
});

describe("an error of ours", () => {
  it("is a 500 in JSON that says nothing about it", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new TypeError("internal detail");
    });
    const headers = { Authorization: "Bearer test-token-of-the-suite" };
    const response = await createApp().request(`${notifications}/subscribers`, { headers }, env);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toMatch(/internal detail|at /);
    expect(log).toHaveBeenCalledOnce();
  });
});

describe("GET /openapi.json", () => {
  type Document = {
    openapi: string;
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
  };

  /** What is described, without the part of Orchest's paths that all have in common. */
  async function described(): Promise<string[]> {
    const answer = await api<Document>("GET", "/openapi.json", undefined, { token: null });
    expect(answer.status).toBe(200);
    expect(answer.body.openapi).toBe("3.1.0");
    return Object.entries(answer.body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path.replace(notifications, "")}`),
    );
  }

  it("describes the log, the way out, the archive and what was rejected", async () => {
    expect(await described()).toEqual(
      expect.arrayContaining([
        "get /subscribers/{uuid}/deliveries",
        "get /subscribers/{uuid}/deliveries/{delivery}",
        "post /subscribers/{uuid}/deliveries/{delivery}/redeliver",
        "post /subscribers/{uuid}/deliveries/{delivery}/skip",
        "post /subscribers/{uuid}/pause",
        "post /subscribers/{uuid}/resume",
        "get /subscribers/{uuid}/stats",
        "get /api/events",
        "get /api/events/{uuid}",
        "get /api/rejected",
        "post /api/rejected/{id}/redrive",
        "get /api/dead",
      ]),
    );
  });

  it("describes Orchest's nine paths, without a token", async () => {
    expect(await described()).toEqual(
      expect.arrayContaining([
        "get /subscribable-events",
        "get /subscribers",
        "post /subscribers/webhooks",
        "put /subscribers/webhooks/{uuid}",
        "post /subscribers/webhooks/pre-creation-test-ping-delivery",
        "get /subscribers/{uuid}",
        "delete /subscribers/{uuid}",
        "get /subscribers/test-ping-delivery/{uuid}",
        "get /subscribers/subscribed-to/{event_type}",
      ]),
    );
  });

  it("says where a token is refused, and that publishing is not limited", async () => {
    const { body } = await api<Document>("GET", "/openapi.json", undefined, { token: null });
    const statuses = (path: string, method: string): string[] =>
      Object.keys(body.paths[path]?.[method]?.responses ?? {});
    expect(statuses("/api/audit", "get")).toEqual(expect.arrayContaining(["401", "403", "429"]));
    expect(statuses("/api/events", "post")).toEqual(expect.arrayContaining(["401", "403"]));
    expect(body.paths["/api/events"]?.["post"]?.responses["429"]).toEqual({
      ...(body.paths["/api/audit"]?.["get"]?.responses["429"] as object),
      description: expect.stringMatching(/^Too many wrong tokens .*\. Valid tokens still work\.$/),
    });
    expect(statuses("/health", "get")).not.toContain("401");
    expect(statuses("/api/events/orchest", "post")).not.toContain("403");
  });
});
