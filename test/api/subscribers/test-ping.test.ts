import { describe, expect, it, vi } from "vitest";
import { env } from "cloudflare:workers";
import { type Answer, api, makeWebhook, notifications, spec } from "../../api";
import { rowCounts } from "../../row-counts";

const unknown = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const pingHeaders = {
  "X-Orchest-Event": "ping",
  "User-Agent": "Orchest",
  "Content-Type": "application/json",
};

/** What a receiver got, read: a body belongs to the call that it came in. */
type Received = { method: string; url: string; headers: Headers; body: string };

/** Stands in for the receiver. @returns the requests that it got, as they come. */
function receiver(answer: () => Response | Promise<Response>): Received[] {
  const requests: Received[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const { method, url, headers } = request;
    // A question to the resolver is no delivery.
    if (url.startsWith("https://cloudflare-dns.com/")) return Response.json({ Status: 3 });
    requests.push({ method, url, headers, body: new TextDecoder().decode(await request.arrayBuffer()) });
    return answer();
  });
  return requests;
}

function ping(uuid: string): Promise<Answer<{ message: string }>> {
  return api("GET", `${notifications}/subscribers/test-ping-delivery/${uuid}`);
}

function pingBeforeCreation(body: unknown): Promise<Answer<{ message: string }>> {
  return api("POST", `${notifications}/subscribers/webhooks/pre-creation-test-ping-delivery`, body);
}

type PingBody = { delivered_for: Record<string, unknown>; event: Record<string, unknown> };

/** Checks that a ping was sent. @returns its body. */
function expectPing(request: Received | undefined): PingBody {
  if (request === undefined) throw new Error("Nothing was sent.");
  expect(request.method).toBe("POST");
  expect(request.url).toBe(spec.url);
  for (const [name, value] of Object.entries(pingHeaders)) expect(request.headers.get(name)).toBe(value);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a test says what it expects, and then checks it
  const body = JSON.parse(request.body) as PingBody;
  expect(Object.keys(body.event).toSorted()).toEqual(["timestamp", "type", "uuid"]);
  expect(body.event["type"]).toBe("ping");
  expect(body.event["timestamp"]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00$/);
  return body;
}

const unkind: [what: string, answer: () => Response | Promise<Response>][] = [
  ["a redirect", () => new Response(null, { status: 302, headers: { Location: "https://example.com" } })],
  ["a 404", () => new Response("no", { status: 404 })],
  ["a 500", () => new Response("no", { status: 500 })],
  ["nothing, as it cannot be reached", () => Promise.reject(new Error("Network connection lost."))],
];

describe("GET /subscribers/test-ping-delivery/{uuid}", () => {
  it.each([200, 201, 204, 299])("answers success when the receiver answers %i", async (status) => {
    const requests = receiver(() => new Response(null, { status }));
    const { uuid } = await makeWebhook();
    const answer = await ping(uuid);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "success" });
    expect(requests).toHaveLength(1);
    const { delivered_for } = expectPing(requests[0]);
    expect(delivered_for).toEqual({
      name: "Alerts",
      verify_ssl: true,
      content_type: "application/json",
      uuid,
      type: "webhook",
    });
  });

  it.each(unkind)("answers failure when the receiver answers %s", async (_, refuse) => {
    const requests = receiver(refuse);
    const { uuid } = await makeWebhook();
    const answer = await ping(uuid);
    expect(answer.status).toBe(500);
    expect(answer.body).toEqual({ message: "failure" });
    expect(requests).toHaveLength(1);
  });

  it.each([unknown, "no-uuid"])(
    "answers failure for the unknown webhook %s, and sends nothing",
    async (uuid) => {
      const requests = receiver(() => new Response());
      const answer = await ping(uuid);
      expect(answer.status).toBe(500);
      expect(answer.body).toEqual({ message: "failure" });
      expect(requests).toEqual([]);
    },
  );

  it("answers failure for a webhook that is being deleted", async () => {
    const requests = receiver(() => new Response());
    const { uuid } = await makeWebhook();
    await env.DB.prepare("update webhooks set deleted_at = 1").run();
    expect((await ping(uuid)).status).toBe(500);
    expect(requests).toEqual([]);
  });
});

describe("POST /subscribers/webhooks/pre-creation-test-ping-delivery", () => {
  it("answers success when the receiver answers 2xx, and stores nothing", async () => {
    const requests = receiver(() => new Response());
    const answer = await pingBeforeCreation(spec);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "success" });
    expect(requests).toHaveLength(1);
    expectPing(requests[0]);
    expect(await rowCounts()).toEqual({ webhooks: 0, subscriptions: 0 });
  });

  it("signs with the secret that it was given", async () => {
    const requests = receiver(() => new Response());
    await pingBeforeCreation(spec);
    const body = new TextEncoder().encode(requests[0]?.body);
    const bytes = new TextEncoder().encode(spec.secret);
    const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
    ]);
    const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, body)).toHex();
    expect(requests[0]?.headers.get("X-Hub-Signature")).toBe(signature);
  });

  it("takes what Orchest's own dialog sends", async () => {
    receiver(() => new Response());
    const answer = await pingBeforeCreation({
      url: "http://hooks.example.com/x",
      name: "",
      verify_ssl: false,
      content_type: "application/x-www-form-urlencoded",
      secret: "",
      subscriptions: [{ event_type: "project:one-off-job:pipeline-run:failed" }],
    });
    expect(answer.status).toBe(200);
  });

  it.each([[null], ["nonsense"], [[{ event_type: "x" }]]])(
    "ignores subscriptions: %j",
    async (subscriptions) => {
      receiver(() => new Response());
      expect((await pingBeforeCreation({ ...spec, subscriptions })).status).toBe(200);
    },
  );

  it.each(unkind)("answers failure when the receiver answers %s", async (_, refuse) => {
    receiver(refuse);
    const answer = await pingBeforeCreation(spec);
    expect(answer.status).toBe(500);
    expect(answer.body).toEqual({ message: "failure" });
    expect(answer.text).not.toContain("secret");
  });

  it.each([
    ["no url", { url: undefined }, /^url: is required/],
    ["a bad url", { url: "ftp://hooks.example.com" }, /^url: /],
    ["a private target", { url: "http://169.254.169.254/" }, /^url: .*public host name/],
    ["no verify_ssl", { verify_ssl: undefined }, /^verify_ssl: is required/],
    ["https without verification", { verify_ssl: false }, /^verify_ssl: .*always verifies/],
    ["a bad content type", { content_type: "text/plain" }, /^content_type: /],
    ["a long name", { name: "x".repeat(101) }, /^name: /],
    ["an unknown field", { colour: 1 }, /^unknown field colour/],
  ])("answers 400 for a spec with %s, and sends nothing", async (_, changes, message) => {
    const requests = receiver(() => new Response());
    const { status, body } = await pingBeforeCreation({ ...spec, ...changes });
    expect(status).toBe(400);
    expect(body).toEqual({ message: expect.stringMatching(message) });
    expect(requests).toEqual([]);
  });
});
