import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  admission,
  admissionHeader,
  encodeFrame,
  importRelayKeys,
  newNonce,
  requestFrameBytesMax,
} from "../../src/send/egress/protocol.ts";
import { Admission } from "../../tools/relay/admission.ts";
import { forAll } from "../for-all.ts";
import { startReceiver } from "./receivers.ts";
import { frameFor, RunningRelay, secret } from "./running-relay.ts";

const url = "http://hooks.corp.test/";
const minuteMs = 60_000;
beforeEach(() => void vi.spyOn(console, "log").mockReturnValue());

describe("what a relay refuses", () => {
  it("is what is not signed with its secret: nothing is forwarded, and nothing is read first", async () => {
    const { port, seen } = await startReceiver();
    const relay = await RunningRelay.start();
    const target = `http://hooks.corp.test:${port}/`;
    const frame = await frameFor(target);
    const foreign = await frameFor(target, {}, "body", "f".repeat(32));
    const strangers = await importRelayKeys("f".repeat(32));
    const keys = await importRelayKeys(secret);
    const now = Date.now();
    await forAll<[string, Uint8Array<ArrayBuffer>, string | undefined]>(
      [
        ["without a header", frame, ""],
        ["of another secret", foreign, undefined],
        ["announced with another secret", frame, await admission(strangers, frame.length, now)],
        ["announced with another length", frame, await admission(keys, frame.length + 1, now)],
        ["announced too long ago", frame, await admission(keys, frame.length, now - minuteMs - 1000)],
        ["announced from the future", frame, await admission(keys, frame.length, now + minuteMs + 10_000)],
        ["with a header that is none", frame, "1.00"],
      ],
      async (_name, sent, header) => {
        expect(await relay.send(sent, header)).toMatchObject({ status: 401, answers: [] });
      },
    );
    expect(seen).toEqual([]);
    expect(relay.relay.metrics.text()).toContain('{result="refused"} 7');
  });

  it("is a frame with any bit changed", async () => {
    const relay = await RunningRelay.start();
    const frame = await frameFor(url);
    await forAll([0, 31, 32, 35, 40, frame.length - 1], async (at) => {
      const changed = frame.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await relay.send(changed)).toMatchObject({ status: 401, answers: [] });
    });
  });

  it("is a message of another purpose, though the same secret signs it", async () => {
    const relay = await RunningRelay.start();
    const keys = await importRelayKeys(secret);
    const frame = await frameFor(url);
    const head = JSON.parse(new TextDecoder().decode(frame.slice(36, -4))) as object;
    for (const purpose of ["answer", "connect", "challenge", "hello"] as const) {
      expect(await relay.send(await encodeFrame(keys, purpose, head))).toMatchObject({ status: 401 });
    }
  });

  it("is a request that it took before, and one that is stale, with a signed answer", async () => {
    const { port, seen } = await startReceiver();
    const relay = await RunningRelay.start();
    const target = `http://hooks.corp.test:${port}/`;
    const frame = await frameFor(target);
    expect((await relay.send(frame)).status).toBe(200);
    expect(await relay.send(frame)).toMatchObject({
      status: 401,
      answers: [{ kind: "relayFailed", code: "refused", reason: "the request was made before" }],
    });
    const stale = await frameFor(target, { sentAt: Date.now() - minuteMs - 1000 });
    expect(await relay.send(stale)).toMatchObject({
      status: 401,
      answers: [{ kind: "relayFailed", code: "refused", reason: "the request is stale" }],
    });
    expect(seen).toHaveLength(1);
  });

  it("is a signed request that this version does not know", async () => {
    const relay = await RunningRelay.start();
    await forAll(
      [
        ["a method", { method: "CONNECT" }],
        ["a scheme", { url: "file:///etc/passwd" }],
        ["a time", { timeoutMs: 0 }],
        ["more of an answer than it gives", { answerBytesMax: 1e9 }],
        ["a nonce of another form", { nonce: "1" }],
      ],
      async (_name, wrong) => {
        const sent = await relay.send(await frameFor(url, wrong as object));
        expect(sent).toMatchObject({ status: 400, answers: [] });
      },
    );
  });

  it("is a body without a length, or of more than it takes", async () => {
    const relay = await RunningRelay.start();
    const long = httpRequest(relay.url, {
      method: "POST",
      headers: { "Content-Length": requestFrameBytesMax + 1 },
    });
    long.flushHeaders();
    const [tooLong] = (await once(long, "response")) as [{ statusCode: number }];
    expect(tooLong.statusCode).toBe(413);
    long.destroy();
    const chunked = httpRequest(relay.url, { method: "POST", headers: { "Transfer-Encoding": "chunked" } });
    chunked.end("body");
    const [noLength] = (await once(chunked, "response")) as [{ statusCode: number }];
    expect(noLength.statusCode).toBe(411);
  });

  it("is what is not HTTP", async () => {
    const relay = await RunningRelay.start();
    const socket = connect(Number(new URL(relay.url).port), "127.0.0.1");
    socket.end("\u0016\u0003\u0001 no HTTP\r\n\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toContain("400 Bad Request");
    expect((await fetch(`${relay.url}health`)).status).toBe(200);
  });
});

describe("a nonce", () => {
  it("is remembered for as long as its request could be fresh, on the edge and one past it", async () => {
    const keys = [await importRelayKeys(secret)];
    const start = Date.now();
    const admitted = new Admission(keys, start);
    // From a clock that is ahead by all that is allowed.
    const frame = await frameFor(url, { sentAt: start + minuteMs });
    expect((await admitted.admit(frame, start)).kind).toBe("admitted");
    expect(await admitted.admit(frame, start + 2 * minuteMs)).toMatchObject({
      reason: "the request was made before",
    });
    expect(await admitted.admit(frame, start + 2 * minuteMs + 1)).toMatchObject({
      reason: "the request is stale",
    });
  });

  it("of the process before a restart is worth nothing: what was signed before the start is stale", async () => {
    const keys = [await importRelayKeys(secret)];
    const start = Date.now();
    const frame = await frameFor(url, { sentAt: start - 1 });
    expect((await new Admission(keys, start).admit(frame, start)).kind).toBe("refused");
    expect((await new Admission(keys, start - 1).admit(frame, start)).kind).toBe("admitted");
  });

  it("is the same for every secret that is valid while one is replaced", async () => {
    const next = "fedcba9876543210fedcba9876543210";
    const keys = await Promise.all([secret, next].map(importRelayKeys));
    const relay = new Admission(keys, Date.now() - 1000);
    const nonce = newNonce();
    expect((await relay.admit(await frameFor(url, { nonce }))).kind).toBe("admitted");
    expect((await relay.admit(await frameFor(url, { nonce }, "body", next))).kind).toBe("refused");
    expect((await relay.admit(await frameFor(url, {}, "body", next))).kind).toBe("admitted");
  });
});

it("without the header, a request is refused before its body comes", async () => {
  const relay = await RunningRelay.start();
  const waiting = httpRequest(relay.url, {
    method: "POST",
    headers: { "Content-Length": 1_000_000, [admissionHeader]: "1.2" },
  });
  waiting.on("error", () => undefined);
  waiting.flushHeaders();
  const [refused] = (await once(waiting, "response")) as [{ statusCode: number }];
  expect(refused.statusCode).toBe(401);
  waiting.destroy();
});
