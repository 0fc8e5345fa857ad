import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { readConfig } from "../../src/platform/config";
import { encryptSettings, decryptSettings } from "../../src/platform/encryption";
import { type Answer, api, makeWebhook, notifications, readWebhook, spec } from "../api";
import { deliver, writer } from "../pages/webhooks/people";
import { fieldsOf } from "../pages/form";
import { get, post } from "../pages/page";
import { makeListener } from "../event";
import { configOf, laneOf } from "../lane";
import { receiver } from "../receiver";

const webhooks = `${notifications}/subscribers/webhooks`;
const evil = "X-`touch$IFS'PWNED'`";

function create(headers: unknown): Promise<Answer<{ message: string }>> {
  return api("POST", webhooks, { ...spec, headers });
}

/** Names that mean something to a shell, or to no server. */
const odd = [
  evil,
  ...Array.from("!#$%&'*+.^`|~", (character) => `X${character}A`),
  ...Array.from(' "(),/:;<=>?@[\\]{}\u0000\n\r\t\u007f', (character) => `X${character}A`),
  ".",
  "",
  "é",
  "ſ-a",
  "\u212A",
];

/** What the gateway, HTTP, browsers and proxies say of a request themselves. */
const taken = `
  Content-Type Content-Length Content-Encoding Host User-Agent Expect
  Accept-Encoding Connection Keep-Alive TE Trailer Transfer-Encoding
  Upgrade HTTP2-Settings Proxy-Authorization Proxy-Connection Proxy-Client-IP X-Hub-Signature
  X-Hub-Signature-256 X-Orchest-Event webhook-id Webhook-Other Date Via
  Cookie Cookie2 Set-Cookie Origin Referer Sec-Fetch-Site
  Sec-GPC Access-Control-Request-Method X-HTTP-Method-Override X-Method-Override X-HTTP-Method Forwarded
  X-Forwarded X-Forwarded-For X-Forwarded-Host Forwarded-For X-Real-IP True-Client-IP
  X-Client-IP X-Cluster-Client-IP Fastly-Client-IP X-Remote-IP X-Remote-Addr X-Originating-IP
  X-Azure-ClientIP X-Azure-SocketIP X-Original-URL X-Original-Host X-Rewrite-URL X-Host
  CDN-Loop CF-Ray CF-Connecting-IP Cf-Access-Jwt-Assertion Max-Forwards
`;

describe("a custom header's name", () => {
  it("is letters, digits, - and _, and an error says why", async () => {
    for (const name of odd) {
      const { status, body } = await create({ [name]: "x" });
      expect({ name, status }).toEqual({ name, status: 400 });
      expect(body.message).toMatch(/only of letters, digits, - and _: .*shells/s);
    }
    const fine = { "X-Api_Key-9": "x", A: "a", "9": "9", "-": "-", _: "_", Authorization: "Bearer x" };
    expect((await create(fine)).status).toBe(201);
  });

  it("is none that the gateway, HTTP, browsers or proxies set, however it is written", async () => {
    for (const name of taken.trim().split(/\s+/)) {
      for (const written of [name, name.toLowerCase(), name.toUpperCase().replaceAll("-", "_")]) {
        const { status, body } = await create({ [written]: "x" });
        expect({ written, status }).toEqual({ written, status: 400 });
        expect(body.message).toContain("set by the gateway");
      }
    }
  });

  it("may be like one of those", async () => {
    const headers = [
      "Accept",
      "X-Date",
      "X-Cookie",
      "My-Origin",
      "Second",
      "CDN-Key",
      "X-Team",
      "X-Request-Id",
    ];
    expect((await create(Object.fromEntries(headers.map((name) => [name, "x"])))).status).toBe(201);
  });

  it("is not __proto__, which is refused and not dropped, in the API as on the form", async () => {
    const text = `${JSON.stringify(spec).slice(0, -1)},"headers":{"__proto__":"x","X-A":"a"}}`;
    for (const path of [webhooks, `${webhooks}/pre-creation-test-ping-delivery`]) {
      const { status, body } = await api("POST", path, text);
      expect({ path, status }).toEqual({ path, status: 400 });
      expect(body.message).toContain("__proto__");
    }
    const made = await makeWebhook({ headers: { "X-A": "a" } });
    const { status } = await api("PUT", `${webhooks}/${made.uuid}`, '{"headers":{"__proto__":"x"}}');
    expect(status).toBe(400);

    const cookie = await writer();
    const path = `/webhooks/${made.uuid}/edit`;
    const fields = await fieldsOf((await get(path, cookie)).html, "webhook-form");
    fields.set("headers", "X-A: ********\r\n__proto__: x");
    const page = await post(path, new URLSearchParams([...fields, ["intent", "save"]]), { cookie });
    expect(page.status).toBe(400);
    expect(page.html).toMatch(/id="headers-error">[^<]*__proto__/);
    expect(await readWebhook(made.uuid)).toEqual(made);
  });
});

describe("a name that was stored before there was this rule", () => {
  it("is still sent, and is only a text in the page's curl command", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    const { encryptionKeys } = readConfig(env);
    const sealed = await env.DB.prepare("select sealed from webhooks").first<string>("sealed");
    const settings = await decryptSettings(encryptionKeys, uuid, sealed ?? "");
    const resealed = await encryptSettings(encryptionKeys, uuid, {
      ...settings,
      headers: { [evil]: "kept" },
    });
    await env.DB.prepare("update webhooks set sealed = ?, header_names = ?, version = version + 1")
      .bind(resealed, JSON.stringify([evil]))
      .run();
    await laneOf(uuid).configure(await configOf(uuid));

    const { uuid: delivery } = await deliver(uuid, "delivered");
    expect(received[0]?.headers.get(evil)).toBe("kept");
    const cookie = await writer();
    const { html } = await vi.waitFor(async () => {
      const page = await get(`/webhooks/${uuid}/deliveries/${delivery}`, cookie);
      expect(page.html).toContain("curl-command");
      return page;
    });
    const command = /<pre id="curl-command"[^>]*>([\s\S]*?)<\/pre>/.exec(html)?.[1] ?? "";
    expect(command).toContain("X-\\0140touch\\0044IFS\\0047PWNED\\0047\\0140: &#39;)$HEADER_");
    expect(command).not.toContain("`");
  });
});

describe("a field named __proto__", () => {
  it("is refused in every JSON body that the API takes, wherever it stands", async () => {
    const { uuid } = await makeWebhook();
    const webhook = JSON.stringify(spec).slice(0, -1);
    const bodies: [method: string, path: string, body: string][] = [
      ["POST", webhooks, `${webhook},"__proto__":{}}`],
      ["POST", webhooks, `${webhook},"__proto__":null}`],
      ["POST", webhooks, `${webhook},"\\u005f_proto__":{}}`],
      ["POST", webhooks, `${webhook},"retry":{"__proto__":{"max_attempts":1}}}`],
      ["POST", webhooks, `${webhook},"subscriptions":[{"event_type":"project:created","__proto__":{}}]}`],
      ["POST", webhooks, `${webhook},"uuid":{"__proto__":{}}}`],
      [
        "POST",
        `${webhooks}/pre-creation-test-ping-delivery`,
        `${webhook},"subscriptions":[[{"__proto__":1}]]}`,
      ],
      ["PUT", `${webhooks}/${uuid}`, '{"name":"New","__proto__":{}}'],
      ["POST", `${notifications}/subscribers/${uuid}/rotate-secret`, '{"__proto__":{"secret":"x"}}'],
      [
        "POST",
        `${notifications}/subscribers/${uuid}/replay`,
        '{"since":"2026-01-01T00:00:00Z","status":"all","__proto__":{}}',
      ],
      ["POST", "/api/tokens", '{"name":"x","scopes":["webhooks:read"],"__proto__":{"scopes":["admin"]}}'],
    ];
    for (const [method, path, text] of bodies) {
      const { status, body } = await api(method, path, text);
      expect({ path, text, status }).toEqual({ path, text, status: 400 });
      expect(body.message).toContain("__proto__");
    }
    expect((await readWebhook(uuid)).name).toBe(spec.name);
    // As a value it is a text like any other.
    expect((await api("PUT", `${webhooks}/${uuid}`, { name: "__proto__" })).status).toBe(200);
  });
});
