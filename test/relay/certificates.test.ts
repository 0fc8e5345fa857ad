import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { forAll } from "../for-all.ts";
import { Certificates } from "./certificates.ts";
import { startReceiver } from "./receivers.ts";
import { RunningRelay } from "./running-relay.ts";

const host = "hooks.corp.test";
const made = new Certificates();
const authority = made.selfSigned("authority", { host: "Tests" });
const other = made.selfSigned("other", { host: "Other" });
const right = made.signedBy(authority, "right", { host });
const expired = made.signedBy(authority, "expired", { host, days: -1 });
const wrongName = made.signedBy(authority, "wrong-name", { host: "elsewhere.corp.test" });
const selfSigned = made.selfSigned("self-signed", { host });
const client = made.signedBy(authority, "client", { host: "gateway" });
afterAll(() => made.remove());
beforeEach(() => void vi.spyOn(console, "log").mockReturnValue());

const trusted = [{ host: "*.corp.test", ca: authority.cert }];
const delivered = [
  { kind: "answer", status: 200 },
  { kind: "end", end: "whole" },
];

describe("a relay", () => {
  it("verifies certificates, unless the webhook says not to", () =>
    forAll(
      [
        ["self-signed", selfSigned, "DEPTH_ZERO_SELF_SIGNED_CERT"],
        ["expired", expired, "CERT_HAS_EXPIRED"],
        ["of another name", wrongName, "ERR_TLS_CERT_ALTNAME_INVALID"],
      ],
      async (_name, { cert, key }, reason) => {
        const { port, seen } = await startReceiver({ cert, key });
        const relay = await RunningRelay.start({ hosts: trusted });
        const url = `https://${host}:${port}/path`;
        const verified = await relay.ask(url);
        expect(verified.answers).toMatchObject([{ kind: "receiverFailed", error: "tls", reason }]);
        expect(seen).toEqual([]);
        expect((await relay.ask(url, { verify: false })).answers).toMatchObject(delivered);
        // What was not verified once is verified again.
        expect((await relay.ask(url)).answers).toMatchObject([{ kind: "receiverFailed", error: "tls" }]);
        expect(seen).toHaveLength(1);
      },
    ));

  it("trusts an authority of the operator's for its hosts, and for no others", async () => {
    const { port, seen } = await startReceiver(right);
    const url = `https://${host}:${port}/`;
    const known = await RunningRelay.start({ hosts: trusted });
    expect((await known.ask(url)).answers).toMatchObject(delivered);
    const unknown = await RunningRelay.start();
    expect((await unknown.ask(url)).answers).toMatchObject([{ kind: "receiverFailed", error: "tls" }]);
    const elsewhere = await RunningRelay.start({ hosts: [{ host: "*.other.test", ca: authority.cert }] });
    expect((await elsewhere.ask(url)).answers).toMatchObject([{ kind: "receiverFailed", error: "tls" }]);
    const wrong = await RunningRelay.start({ hosts: [{ host, ca: other.cert }] });
    expect((await wrong.ask(url)).answers).toMatchObject([{ kind: "receiverFailed", error: "tls" }]);
    expect(seen).toHaveLength(1);
  });

  it("asks for the webhook's name in the handshake, not for the address that it resolves to", async () => {
    const { port, seen } = await startReceiver(right);
    const relay = await RunningRelay.start({ hosts: trusted });
    await relay.ask(`https://${host}:${port}/`);
    expect(seen).toMatchObject([{ servername: host, headers: { host: `${host}:${port}` } }]);
  });

  it("presents a client certificate to the hosts that it is meant for", async () => {
    const { port, seen } = await startReceiver({ ...right, ca: authority.cert, requestCert: true });
    const url = `https://${host}:${port}/`;
    const presenting = [{ host, ca: authority.cert, cert: client.cert, key: client.key }];
    const relay = await RunningRelay.start({ hosts: presenting });
    expect((await relay.ask(url)).answers).toMatchObject(delivered);
    expect(seen[0]?.clientName).toBe("gateway");
  });

  it("says that TLS failed when a receiver wants a client certificate and gets none", async () => {
    const mutual = { ...right, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
    const { port, seen } = await startReceiver(mutual);
    const relay = await RunningRelay.start({ hosts: trusted });
    const { answers } = await relay.ask(`https://${host}:${port}/`);
    expect(answers).toMatchObject([{ kind: "receiverFailed", error: "tls" }]);
    expect(seen).toEqual([]);
  });
});
