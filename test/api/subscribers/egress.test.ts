import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  decodeFrame,
  encodeFrame,
  framesType,
  importRelayKeys,
  type RelayAnswer,
  type RelayRequest,
  withLength,
} from "../../../src/send/egress/protocol";
import { api, notifications, spec } from "../../api";
import { listDeliveries } from "../../deliveries";
import { makeEvent, publish } from "../../event";
import { forAll } from "../../for-all";
import { captureLog, addresses } from "../../receiver";

const secret = "0123456789abcdef0123456789abcdef";
const relayUrl = "https://relay.example.com/";
const webhooks = `${notifications}/subscribers/webhooks`;
const tryOut = `${webhooks}/pre-creation-test-ping-delivery`;
type Shown = { uuid: string; egress: string | null; message: string; verify_ssl: boolean };

/** What the relay was asked for, and what it says to it. */
let asked: RelayRequest[] = [];
let says: (nonce: string) => RelayAnswer[];
/** What every public name resolves to. */
let resolvesTo = "93.184.215.14";
let logged: () => string;

beforeEach(() => {
  ({ logged } = captureLog());
  asked = [];
  resolvesTo = "93.184.215.14";
  says = (nonce) => [
    { kind: "answer", nonce, status: 200, headers: [] },
    { kind: "end", nonce, end: "whole" },
  ];
  env.EGRESS = JSON.stringify([
    { name: "inner", url: relayUrl, secret, for: ["private"] },
    { name: "lax", url: relayUrl, secret, for: ["unverified", "*.lax.example.org"] },
  ]);
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    if (request.url.startsWith("https://cloudflare-dns.com/")) return addresses(resolvesTo);
    if (request.url !== relayUrl) return new Response("sent directly");
    const keys = await importRelayKeys(secret);
    const frame = new Uint8Array(await request.arrayBuffer());
    const decoded = await decodeFrame(keys, "request", frame);
    const head = decoded?.head as RelayRequest;
    asked.push(head);
    const frames = await Promise.all(
      says(head.nonce).map(async (said) => withLength(await encodeFrame(keys, "answer", said))),
    );
    return new Response(new Blob(frames), { headers: { "Content-Type": framesType } });
  });
});
afterEach(() => void delete env.EGRESS);

describe("a webhook", () => {
  it("may be unverified or private where an egress is for that, and its pings and deliveries go through it", () =>
    forAll<[string, object, { url: string; verify: boolean }]>(
      [
        ["unverified", { verify_ssl: false }, { url: spec.url, verify: false }],
        [
          "private",
          { url: "https://10.0.0.1:8443/hook" },
          { url: "https://10.0.0.1:8443/hook", verify: true },
        ],
        ["plain and private", { url: "http://intranet/hook" }, { url: "http://intranet/hook", verify: true }],
        [
          "of a host",
          { url: "https://a.lax.example.org/" },
          { url: "https://a.lax.example.org/", verify: true },
        ],
        ["named", { egress: "inner" }, { url: spec.url, verify: true }],
      ],
      async (_name, how, expected) => {
        asked = [];
        const subscriptions = [{ event_type: "project:created" }];
        expect((await api("POST", tryOut, { ...spec, ...how })).status).toBe(200);
        const { status, body } = await api<Shown>("POST", webhooks, { ...spec, subscriptions, ...how });
        expect(status).toBe(201);
        expect(asked).toMatchObject([expected]);
        await publish(makeEvent());
        await vi.waitFor(() => expect(asked).toMatchObject([expected, expected]));
        await api("DELETE", `${notifications}/subscribers/${body.uuid}`);
      },
    ));

  it("may not where none is, and says what an administrator can do", () =>
    forAll<[string, object, RegExp]>(
      [
        ["private", { url: "https://10.0.0.1/" }, /^url: .*"private" in its "for" to the setting EGRESS/],
        [
          "unverified",
          { verify_ssl: false },
          /^verify_ssl: .*"unverified" in its "for" to the setting EGRESS/,
        ],
      ],
      async (_name, how, message) => {
        delete env.EGRESS;
        for (const path of [webhooks, tryOut]) {
          const { status, body } = await api("POST", path, { ...spec, ...how });
          expect([status, body.message]).toEqual([400, expect.stringMatching(message)]);
        }
      },
    ));

  it("may not be both where no egress is for both, and may not name one that is not there or not for it", () =>
    forAll<[string, object, RegExp]>(
      [
        ["both", { url: "https://10.0.0.1/", verify_ssl: false }, /^url: /],
        [
          "unknown",
          { egress: "other" },
          /^egress: must be the name of an egress of this gateway \(inner, lax, direct\)/,
        ],
        ["not for it", { egress: "inner", verify_ssl: false }, /^verify_ssl: /],
        ["direct", { egress: "direct", url: "https://10.0.0.1/" }, /^url: /],
        ["too long", { egress: "x".repeat(33) }, /^egress: must be at most 32/],
      ],
      async (_name, how, message) => {
        const { status, body } = await api("POST", webhooks, { ...spec, ...how });
        expect([status, body.message]).toEqual([400, expect.stringMatching(message)]);
      },
    ));

  it("whose public name resolves to a private address goes through the egress, at each attempt", async () => {
    resolvesTo = "10.0.0.1";
    const subscriptions = [{ event_type: "project:created" }];
    expect((await api("POST", webhooks, { ...spec, subscriptions })).status).toBe(201);
    await publish(makeEvent());
    await vi.waitFor(() => expect(asked).toMatchObject([{ url: spec.url }]));
  });

  it("is changed by the same rules, and other changes do not ask for an egress that is gone", async () => {
    const { body } = await api<Shown>("POST", webhooks, { ...spec, verify_ssl: false });
    const path = `${webhooks}/${body.uuid}`;
    const shown = async () => (await api<Shown>("GET", `${notifications}/subscribers/${body.uuid}`)).body;
    expect(await shown()).toMatchObject({ egress: null, verify_ssl: false });
    expect((await api("PUT", path, { egress: "lax" })).status).toBe(200);
    expect(await shown()).toMatchObject({ egress: "lax" });
    expect((await api("PUT", path, { egress: "inner" })).status).toBe(400);
    expect((await api("PUT", path, { url: "https://10.0.0.1/" })).status).toBe(400);
    expect((await api("PUT", path, { egress: "" })).status).toBe(200);
    expect(await shown()).toMatchObject({ egress: null });
    expect((await api("PUT", path, { url: "https://10.0.0.1/", verify_ssl: true })).status).toBe(200);
    delete env.EGRESS;
    expect((await api("PUT", path, { name: "Renamed" })).status).toBe(200);
    expect((await api("PUT", path, { verify_ssl: false })).status).toBe(400);
  });
});

describe("the delivery log", () => {
  it("says which egress an attempt went through, and null where it went out directly", async () => {
    const subscriptions = [{ event_type: "project:created" }];
    const made = await Promise.all([
      api<Shown>("POST", webhooks, { ...spec, subscriptions, verify_ssl: false }),
      api<Shown>("POST", webhooks, { ...spec, subscriptions }),
    ]);
    await publish(makeEvent());
    const attempts = await Promise.all(
      made.map(async ({ body: { uuid } }) => {
        const delivery = await vi.waitFor(async () => {
          const { body } = await listDeliveries(uuid);
          expect(body.deliveries).toMatchObject([{ status: "delivered" }]);
          return body.deliveries[0];
        });
        const path = `${notifications}/subscribers/${uuid}/deliveries/${delivery?.uuid}`;
        return (await api<{ attempts: object[] }>("GET", path)).body.attempts;
      }),
    );
    expect(attempts).toMatchObject([[{ egress: "lax", status: 200 }], [{ egress: null, status: 200 }]]);
    expect(attempts[0]?.[0]).toMatchObject({ response_headers: {} });
    expect(logged()).toContain('"egress":"lax"');
  });

  it("counts no attempt that the egress failed", async () => {
    says = (nonce) => [{ kind: "relayFailed", nonce, code: "busy", reason: "the relay is busy" }];
    const subscriptions = [{ event_type: "project:created" }];
    const { body } = await api<Shown>("POST", webhooks, { ...spec, subscriptions, verify_ssl: false });
    await publish(makeEvent());
    await vi.waitFor(() => expect(logged()).toContain("The egress lax failed: the relay is busy."));
    const { body: listed } = await listDeliveries(body.uuid);
    expect(listed.deliveries).toMatchObject([{ status: "pending", attempts_made: 0 }]);
    const ping = await api("GET", `${notifications}/subscribers/test-ping-delivery/${body.uuid}`);
    expect(ping).toMatchObject({
      status: 503,
      body: { message: expect.stringContaining("The egress lax failed: the relay is busy.") },
    });
  });
});
