import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createApp } from "../../src/app";
import { allows, type Scope, scopes } from "../../src/auth/scopes";
import { requiresScope, routeScopes } from "../../src/api/route-scopes";
import { createRouter } from "../../src/http/router";
import { type Answer, api, notifications } from "../api";
import { forAll } from "../for-all";
import { makeUsedToken } from "../tokens";

const read = "webhooks:read";
const texts = "deliveries:read";
const write = "webhooks:write";
const publish = "events:publish";
const admin = "admin";

/** Every path there is, and the scope that it needs; null where it needs no token. */
const needed: Record<string, Scope | null> = {
  "get /health": null,
  [`get ${notifications}/subscribable-events`]: read,
  [`get ${notifications}/subscribers`]: read,
  [`post ${notifications}/subscribers/webhooks`]: write,
  [`post ${notifications}/subscribers/webhooks/pre-creation-test-ping-delivery`]: write,
  [`put ${notifications}/subscribers/webhooks/{uuid}`]: write,
  [`post ${notifications}/subscribers/{uuid}/rotate-secret`]: write,
  [`get ${notifications}/subscribers/subscribed-to/{event_type}`]: read,
  [`get ${notifications}/subscribers/test-ping-delivery/{uuid}`]: write,
  [`get ${notifications}/subscribers/{uuid}`]: read,
  [`delete ${notifications}/subscribers/{uuid}`]: write,
  [`get ${notifications}/subscribers/{uuid}/deliveries`]: read,
  [`get ${notifications}/subscribers/{uuid}/deliveries/{delivery}`]: read,
  [`post ${notifications}/subscribers/{uuid}/deliveries/{delivery}/redeliver`]: write,
  [`post ${notifications}/subscribers/{uuid}/deliveries/{delivery}/skip`]: write,
  [`post ${notifications}/subscribers/{uuid}/pause`]: write,
  [`post ${notifications}/subscribers/{uuid}/resume`]: write,
  [`get ${notifications}/subscribers/{uuid}/stats`]: read,
  [`post ${notifications}/subscribers/{uuid}/replay`]: write,
  [`get ${notifications}/subscribers/{uuid}/replays`]: read,
  [`get ${notifications}/subscribers/{uuid}/replays/{replay}`]: read,
  [`delete ${notifications}/subscribers/{uuid}/replays/{replay}`]: write,
  "post /api/events": publish,
  "post /api/events/orchest": null,
  "get /api/events": read,
  "get /api/events/{uuid}": read,
  "get /api/rejected": read,
  "post /api/rejected/redrive": publish,
  "post /api/rejected/{id}/redrive": publish,
  "get /api/dead": read,
  "post /api/reencrypt": admin,
  "post /api/tokens": admin,
  "get /api/tokens": admin,
  "delete /api/tokens/{id}": admin,
  "get /api/audit": admin,
};

const document = createApp().getOpenAPI31Document({ openapi: "3.1.0", info: { title: "", version: "" } });
const described = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item).map(([method, { security }]: [string, { security?: unknown }]) => ({
    key: `${method} ${path}`,
    method: method.toUpperCase(),
    path,
    security,
  })),
);

/** Calls a path about things that do not exist, with nothing in the body. */
function call(
  { method, path }: { method: string; path: string },
  token: string | null,
): Promise<Answer<{ message: string }>> {
  const filled = path.replaceAll(/\{.+?\}/g, "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d");
  const hasBody = method === "POST" || method === "PUT";
  return api(method, filled, hasBody ? {} : undefined, { token });
}

it("is known for every path that is described, and for no other", () => {
  expect(described.map(({ key }) => key).toSorted()).toEqual(Object.keys(needed).toSorted());
});

const open = described.filter(({ key }) => needed[key] === null).map((path) => [path.key, path] as const);
const guarded = described.flatMap((path) => {
  const scope = needed[path.key];
  return scope ? [[path.key, { ...path, scope }] as const] : [];
});

it("is needed for no path that is open to all", () =>
  forAll(open, async (_, path) => {
    expect((await call(path, null)).text).not.toContain("token");
  }));

describe("every other path", () => {
  it("is refused without a token", () =>
    forAll(guarded, async (_, path) => {
      expect((await call(path, null)).status).toBe(401);
    }));

  it("lets in who has its scope, and nobody else", async () => {
    const tokens = await Promise.all(
      scopes.map(async (held) => [held, (await makeUsedToken([held])).token] as const),
    );
    await forAll(guarded, async (_, path) => {
      const outcomes: Partial<Record<Scope, string>> = {};
      for (const [held, token] of tokens) {
        const { status } = await call(path, token);
        outcomes[held] = status === 403 ? "refused" : status === 401 ? "unknown" : "let in";
      }
      const expected = scopes.map((held) => [held, allows([held], path.scope) ? "let in" : "refused"]);
      expect(outcomes).toEqual(Object.fromEntries(expected));
    });
  });

  it("says in the OpenAPI document what it needs", () =>
    forAll(guarded, (_, { scope, security }) => {
      expect(security).toEqual([{ token: [scope] }]);
    }));
});

it("that is missing is named, in the answer and in the challenge", async () => {
  const { token } = await makeUsedToken([read, publish]);
  const answer = await api("GET", "/api/audit", undefined, { token });
  expect(answer.body).toEqual({
    message: "This needs the scope admin. The token has webhooks:read, events:publish.",
  });
  expect(answer.headers.get("WWW-Authenticate")).toBe(
    'Bearer realm="api", error="insufficient_scope", scope="admin"',
  );
});

describe("scopes", () => {
  it.each<[held: Scope, allowed: Scope[]]>([
    [read, [read]],
    [texts, [read, texts]],
    [write, [read, write]],
    [publish, [publish]],
    [admin, [read, texts, write, publish, admin]],
  ])("%s allows exactly %j", (held, allowed) => {
    expect(scopes.filter((scope) => allows([held], scope))).toEqual(allowed);
  });

  it("add up", async () => {
    expect(allows([read, publish], publish)).toBe(true);
    expect(allows([read, publish], write)).toBe(false);
    expect(allows([], read)).toBe(false);
  });
});

describe("a route that is forgotten", () => {
  const responses = { 200: { description: "" } };

  it("in the contract keeps the gateway from starting", () => {
    const router = createRouter();
    router.openapi({ method: "get", path: "/api/new/{id}", responses }, (c) => c.body(null));
    expect(() => routeScopes(router)).toThrow("GET /api/new/:id does not declare the scope that it needs.");
  });

  it.each([
    ["none", [{ token: [] }]],
    ["one that does not exist", [{ token: ["webhooks:everything"] }]],
    ["two", [...requiresScope(read), ...requiresScope(publish)]],
    ["no token but an empty requirement", [{}]],
  ])("or names %s, too", (_, security) => {
    const router = createRouter();
    router.openapi({ method: "get", path: "/api/new", security, responses }, (c) => c.body(null));
    expect(() => routeScopes(router)).toThrow("GET /api/new must declare exactly one scope.");
  });

  it("and has no contract at all does not exist", async () => {
    const app = createApp();
    app.get("/api/without-contract", (c) => c.text("open to all"));
    const headers = { Authorization: "Bearer test-token-of-the-suite" };
    expect((await app.request("/api/without-contract", {}, env)).status).toBe(401);
    expect((await app.request("/api/without-contract", { headers }, env)).status).toBe(404);
  });

  it("is guarded for HEAD as for GET", async () => {
    const request = { method: "HEAD" };
    expect((await createApp().request("/api/audit", request, env)).status).toBe(401);
  });
});
