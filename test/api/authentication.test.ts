import { describe, expect, it } from "vitest";
import { api, notifications, spec } from "../api";
import { forAll } from "../for-all";

const uuid = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";

/** Orchest's nine paths, and some of the gateway's own. */
const protectedPaths: [method: string, path: string, body?: unknown][] = [
  ["GET", `${notifications}/subscribable-events`],
  ["GET", `${notifications}/subscribers`],
  ["POST", `${notifications}/subscribers/webhooks`, spec],
  ["PUT", `${notifications}/subscribers/webhooks/${uuid}`, { name: "x" }],
  ["POST", `${notifications}/subscribers/webhooks/pre-creation-test-ping-delivery`, spec],
  ["GET", `${notifications}/subscribers/${uuid}`],
  ["DELETE", `${notifications}/subscribers/${uuid}`],
  ["GET", `${notifications}/subscribers/test-ping-delivery/${uuid}`],
  ["GET", `${notifications}/subscribers/subscribed-to/project%3Acreated`],
  ["POST", "/api/events", []],
  ["GET", "/api/events/orchest"],
  ["GET", "/api/nothing-is-here"],
];

const wrongHeaders: [what: string, header: Record<string, string>][] = [
  ["without a token", {}],
  ["with an empty header", { Authorization: "" }],
  ["with a wrong token", { Authorization: "Bearer wrong-token" }],
  ["with a token that only begins right", { Authorization: "Bearer test-token-of-the-suite2" }],
  ["with the beginning of a token", { Authorization: "Bearer test-token-of-the-suite-of-the-suit" }],
  ["with all tokens at once", { Authorization: "Bearer test-token-of-the-suite,second-token-of-the-suite" }],
  ["with another scheme", { Authorization: "Basic dGVzdC10b2tlbg==" }],
  ["with the token alone", { Authorization: "test-token-of-the-suite" }],
  ["with the scheme alone", { Authorization: "Bearer" }],
  ["with characters that no token has", { Authorization: "Bearer test token" }],
];

it("every path but the public ones answers 401, and says so, to all but a token", () => {
  const cases = protectedPaths.flatMap((path) =>
    wrongHeaders.map(([what, headers]) => [`${path[0]} ${path[1]} ${what}`, path, headers] as const),
  );
  return forAll(cases, async (_, [method, path, body], headers) => {
    const address = { "CF-Connecting-IP": crypto.randomUUID() };
    const answer = await api(method, path, body, { token: null, headers: { ...headers, ...address } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
    expect(answer.body).toEqual({ message: expect.stringMatching(/token|Authorization/) });
    expect(answer.text).not.toContain("test-token-of-the-suite");
  });
});

describe("the token", () => {
  it.each(["test-token-of-the-suite", "second-token-of-the-suite"])(
    "may be any of those configured: %s",
    async (token) => {
      expect((await api("GET", `${notifications}/subscribers`, undefined, { token })).status).toBe(200);
    },
  );

  it("may follow the scheme in any case", async () => {
    const headers = { Authorization: "bearer test-token-of-the-suite" };
    const answer = await api("GET", `${notifications}/subscribers`, undefined, { token: null, headers });
    expect(answer.status).toBe(200);
  });

  it("is asked for before the body is looked at", async () => {
    const answer = await api("POST", `${notifications}/subscribers/webhooks`, "{", { token: null });
    expect(answer.status).toBe(401);
  });
});
