import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app";
import { api, makeWebhook, notifications, spec } from "../api";
import { stopClock } from "../clock";
import { listDeliveries } from "../deliveries";
import { makeEvent, makeListener, publish } from "../event";
import { runAlarm } from "../lane";
import { addresses, receiver, type Resolving } from "../receiver";
import { rowCounts } from "../row-counts";

const webhooks = `${notifications}/subscribers/webhooks`;
const tryOut = `${webhooks}/pre-creation-test-ping-delivery`;
const privately: Resolving = () => addresses("10.0.0.1");
const publicly: Resolving = () => addresses("93.184.216.34");

/** Sends JSON to the gateway at an address of its own, as it is deployed with these settings. */
async function call(
  { origin = "https://gateway.example.com", settings = {} }: { origin?: string; settings?: Partial<Env> },
  method: string,
  path: string,
  body: unknown,
): Promise<{ status: number; message: string }> {
  const headers = { Authorization: "Bearer test-token-of-the-suite", "Content-Type": "application/json" };
  const request = new Request(`${origin}${path}`, { method, headers, body: JSON.stringify(body) });
  const response = await createApp().fetch(request, { ...env, ...settings });
  const { message = "" } = await response.json<{ message?: string }>();
  return { status: response.status, message };
}

beforeEach(stopClock);

describe("a name that resolves to a private address", () => {
  it("makes no webhook", async () => {
    receiver(undefined, privately);
    const { status, body } = await api("POST", webhooks, spec);
    expect(status).toBe(400);
    expect(body.message).toMatch(/^url: .*resolves to an address that is not public/);
    expect(await rowCounts()).toEqual({ webhooks: 0, subscriptions: 0 });
  });

  it("is not what a webhook is changed to", async () => {
    receiver(undefined, (name) => addresses(name === "db.example.com" ? "10.0.0.1" : "1.1.1.1"));
    const { uuid } = await makeWebhook();
    const { status, body } = await api("PUT", `${webhooks}/${uuid}`, { url: "https://db.example.com/" });
    expect(status).toBe(400);
    expect(body.message).toMatch(/^url: .*resolves to an address that is not public/);
    expect((await api("GET", `${notifications}/subscribers/${uuid}`)).body).toMatchObject({
      url: "https://hooks.example.com",
    });
  });

  it("is not tried out", async () => {
    const { received } = receiver(undefined, privately);
    const { status, body } = await api("POST", tryOut, spec);
    expect(status).toBe(400);
    expect(body.message).toMatch(/^url: /);
    expect(received).toEqual([]);
  });

  it("is not pinged either, when it came to that after the webhook was made", async () => {
    let resolving = publicly;
    const { received } = receiver(undefined, (name, type) => resolving(name, type));
    const { uuid } = await makeWebhook();
    resolving = privately;
    const answer = await api("GET", `${notifications}/subscribers/test-ping-delivery/${uuid}`);
    expect(answer.status).toBe(500);
    expect(answer.body).toEqual({ message: "failure" });
    expect(received).toEqual([]);
  });

  it("is fine where private targets are allowed, and nobody is asked", async () => {
    receiver(undefined, privately);
    const settings = { ALLOW_PRIVATE_TARGETS: "true" };
    const origin = "http://127.0.0.1:8787";
    expect((await call({ origin, settings }, "POST", webhooks, spec)).status).toBe(201);
    expect(fetch).not.toHaveBeenCalled();
  });
});

describe("a change that leaves the URL alone", () => {
  it("asks nobody", async () => {
    receiver();
    const { uuid } = await makeWebhook();
    vi.mocked(fetch).mockClear();
    expect((await api("PUT", `${webhooks}/${uuid}`, { name: "New" })).status).toBe(200);
    expect(fetch).not.toHaveBeenCalled();
  });
});

describe("the gateway itself", () => {
  it.each([
    [
      "the name that it is called by",
      "https://gateway.example.com",
      "https://gateway.example.com/api/events",
    ],
    ["that name at another port", "https://gateway.example.com", "https://gateway.example.com:8443/"],
    ["its name on workers.dev", "https://orchest.me.workers.dev", "https://orchest.me.workers.dev/"],
    ["one of its versions", "https://orchest.me.workers.dev", "https://0a1b2c3d-orchest.me.workers.dev/"],
  ])("is no target: %s", async (_, origin, url) => {
    const { received } = receiver();
    for (const path of [webhooks, tryOut]) {
      const { status, message } = await call({ origin }, "POST", path, { ...spec, url });
      expect(status).toBe(400);
      expect(message).toMatch(/^url: .*this gateway's own/);
    }
    const { uuid } = await makeWebhook();
    expect((await call({ origin }, "PUT", `${webhooks}/${uuid}`, { url })).status).toBe(400);
    expect(received).toEqual([]);
  });

  it("is no target by another name that it was told of", async () => {
    const settings = { GATEWAY_HOSTS: "events.example.org, hooks.example.com" };
    expect((await call({ settings }, "POST", webhooks, spec)).message).toMatch(/this gateway's own/);
  });
});

describe("http", () => {
  const settings = { ALLOW_HTTP_TARGETS: "false" };
  const http = { ...spec, url: "http://hooks.example.com/" };

  it("is allowed, and can be switched off", async () => {
    receiver();
    expect((await call({}, "POST", webhooks, http)).status).toBe(201);
    const refused = await call({ settings }, "POST", webhooks, http);
    expect(refused).toEqual({ status: 400, message: "url: Only https URLs are delivered to." });
    expect((await call({ settings }, "POST", webhooks, spec)).status).toBe(201);
  });
});

describe("a webhook whose URL is no target any more", () => {
  it("is not called: its deliveries fail as blocked, and wait", async () => {
    const { received } = receiver(() => new Response("", { status: 500 }));
    const { uuid } = await makeListener();
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    // The deployment gets this name: its lanes read it when they restart.
    const before = env.GATEWAY_HOSTS;
    try {
      env.GATEWAY_HOSTS = "hooks.example.com";
      await api("PUT", `${webhooks}/${uuid}`, { name: "New" });
      await runAlarm(uuid);
      expect(received).toHaveLength(1);
      const { body } = await listDeliveries(uuid);
      expect(body.deliveries).toMatchObject([{ status: "failed", attempts_made: 2, last_error: "blocked" }]);
    } finally {
      env.GATEWAY_HOSTS = before;
    }
  });
});

describe("what a receiver answers", () => {
  it("is no answer of the test pings: they say only whether it was a 2xx", async () => {
    receiver(() => new Response("<script>alert(1)</script> internal detail", { status: 418 }));
    const { uuid } = await makeWebhook();
    const answers = [
      await api("POST", tryOut, spec),
      await api("GET", `${notifications}/subscribers/test-ping-delivery/${uuid}`),
    ];
    expect(answers.map(({ text }) => text)).toEqual(['{"message":"failure"}', '{"message":"failure"}']);
  });
});
