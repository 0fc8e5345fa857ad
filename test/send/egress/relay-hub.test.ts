import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readConfig } from "../../../src/platform/config";
import { attempt, type AttemptResult } from "../../../src/send/attempt";
import { openTransport } from "../../../src/send/egress/open-transport";
import {
  decodeFrame,
  encodeFrame,
  importRelayKeys,
  type RelayAnswer,
  type RelayRequest,
} from "../../../src/send/egress/protocol";
import { forAll } from "../../for-all";
import { captureLog } from "../../receiver";

const secret = "0123456789abcdef0123456789abcdef";
const minuteMs = 60_000;
const request = {
  url: "https://10.0.0.1/",
  headers: {},
  body: new TextEncoder().encode("body"),
  timeoutMs: 5000,
  verify: true,
};

beforeEach(() => {
  captureLog();
  env.EGRESS = JSON.stringify([
    { name: "corp", secret, for: ["private"] },
    { name: "by-url", secret, url: "https://relay.example.com/", for: ["private"] },
  ]);
});
afterEach(() => void delete env.EGRESS);

/** Asks to connect, as a relay does. */
async function connect(how: { name?: string; signedAs?: string; signedWith?: string; sentAt?: number } = {}) {
  const { name = "corp", signedWith = secret, sentAt = Date.now() } = how;
  const { signedAs = name } = how;
  const keys = await importRelayKeys(signedWith);
  const frame = await encodeFrame(keys, "connect", { kind: "connect", name: signedAs, sentAt });
  return exports.default.fetch(
    new Request(`http://gateway.test/egress/${name}/connect`, {
      headers: { Upgrade: "websocket", Authorization: `Relay ${frame.toBase64()}` },
    }),
  );
}

/** A relay of the tests: it is connected, and says what a test tells it to. */
class Relay {
  readonly asked: RelayRequest[] = [];
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Connects and answers the challenge. @param answer what it says to each request; by default that it was delivered. */
  static async start(answer: (relay: Relay, asked: RelayRequest) => unknown = delivered): Promise<Relay> {
    const { webSocket } = await connect();
    if (webSocket === null) throw new Error("The gateway did not let the relay connect.");
    const relay = new Relay(webSocket);
    webSocket.accept();
    const keys = await importRelayKeys(secret);
    const { promise: isReady, resolve } = Promise.withResolvers<void>();
    const hear = async (frame: Uint8Array<ArrayBuffer>) => {
      const challenge = await decodeFrame(keys, "challenge", frame);
      if (challenge !== null) {
        const { nonce } = challenge.head as { nonce: string };
        webSocket.send(await encodeFrame(keys, "hello", { kind: "hello", nonce }));
        return resolve();
      }
      const decoded = await decodeFrame(keys, "request", frame);
      const asked = decoded?.head as RelayRequest;
      relay.asked.push(asked);
      await answer(relay, asked);
    };
    webSocket.addEventListener("message", ({ data }) => void bytesIn(data).then(hear));
    await isReady;
    return relay;
  }

  async say(said: RelayAnswer, body = ""): Promise<void> {
    const keys = await importRelayKeys(secret);
    this.#socket.send(await encodeFrame(keys, "answer", said, new TextEncoder().encode(body)));
  }

  drain(): void {
    this.#socket.send("drain");
  }

  die(): void {
    this.#socket.close(1001, "dead");
  }
}

async function bytesIn(data: unknown): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(data instanceof Blob ? await data.arrayBuffer() : (data as ArrayBuffer));
}

async function delivered(relay: Relay, { nonce }: RelayRequest): Promise<void> {
  await relay.say({ kind: "answer", nonce, status: 200, headers: [] });
  await relay.say({ kind: "end", nonce, end: "whole" }, "done");
}

function send(): Promise<AttemptResult> {
  const [egress] = readConfig(env).egresses;
  if (egress === undefined) throw new Error("There is no egress.");
  return attempt(request, openTransport(env, egress, 2048));
}

/** Sends until a relay is known to be connected: its hello may be on its way. */
async function sendOnceConnected(): Promise<AttemptResult> {
  return vi.waitFor(send);
}

describe("a relay that dials out", () => {
  it("is handed requests, and its answers come back", async () => {
    const relay = await Relay.start();
    expect(await sendOnceConnected()).toMatchObject({ egress: "corp", status: 200, responseBody: "done" });
    expect(relay.asked).toMatchObject([{ url: request.url, verify: true }]);
  });

  it("connects only with the secret of its egress, now", () =>
    forAll<[string, Parameters<typeof connect>[0], number]>(
      [
        ["another secret", { signedWith: "f".repeat(32) }, 401],
        ["another name in the signature", { signedAs: "other" }, 401],
        ["an egress that is not there", { name: "other" }, 401],
        ["an egress that has a URL", { name: "by-url" }, 401],
        ["long ago", { sentAt: Date.now() - minuteMs - 10_000 }, 401],
        ["rightly", {}, 101],
      ],
      async (_name, how, status) => {
        const response = await connect(how);
        expect(response.status).toBe(status);
        response.webSocket?.accept();
        response.webSocket?.close();
      },
    ));

  it("connects with a WebSocket and a signature only", async () => {
    const url = "http://gateway.test/egress/corp/connect";
    expect((await exports.default.fetch(url)).status).toBe(426);
    await forAll(["", "Relay", "Relay AAAA", "Bearer test-token-of-the-suite", "Relay =="], async (text) => {
      const headers = { Upgrade: "websocket", Authorization: text };
      expect((await exports.default.fetch(url, { headers })).status).toBe(401);
    });
  });

  it("gets nothing before it has answered the challenge of this connection, and none when it answers wrongly", async () => {
    const { webSocket } = await connect();
    if (webSocket === null) throw new Error("The gateway did not let the relay connect.");
    const { promise: closed, resolve } = Promise.withResolvers<number>();
    webSocket.accept();
    webSocket.addEventListener("close", ({ code }) => resolve(code));
    await expect(send()).rejects.toMatchObject({
      kind: "egress",
      message: "No relay of the egress corp is connected.",
    });
    const keys = await importRelayKeys(secret);
    webSocket.send(await encodeFrame(keys, "hello", { kind: "hello", nonce: "0".repeat(32) }));
    expect(await closed).toBe(1008);
    await expect(send()).rejects.toMatchObject({ kind: "egress" });
  });
});

describe("of several relays", () => {
  it("each gets what the others are too busy for", async () => {
    const held: [Relay, RelayRequest][] = [];
    const hold = (relay: Relay, asked: RelayRequest) => held.push([relay, asked]);
    const [first, second] = [await Relay.start(hold), await Relay.start(hold)];
    const sent = [sendOnceConnected(), sendOnceConnected(), sendOnceConnected(), sendOnceConnected()];
    await vi.waitFor(() => expect(held).toHaveLength(4));
    expect(Math.min(first.asked.length, second.asked.length)).toBeGreaterThan(0);
    await Promise.all(held.map(([relay, asked]) => delivered(relay, asked)));
    for (const result of await Promise.all(sent)) expect(result.status).toBe(200);
  });

  it("one that dies takes its own requests along, as failures of ours, and the other goes on", async () => {
    const dying = await Relay.start((relay) => relay.die());
    await vi.waitFor(async () => {
      await expect(send()).rejects.toMatchObject({
        kind: "egress",
        message: expect.stringMatching(/ended early|connection to it/) as string,
      });
    });
    expect(dying.asked).toHaveLength(1);
    await Relay.start();
    expect(await sendOnceConnected()).toMatchObject({ status: 200 });
  });

  it("one that stops gets nothing new", async () => {
    const stopping = await Relay.start();
    await sendOnceConnected();
    stopping.drain();
    await vi.waitFor(() =>
      expect(send()).rejects.toMatchObject({ message: expect.stringMatching(/No relay/) as string }),
    );
    const before = stopping.asked.length;
    await Relay.start();
    await sendOnceConnected();
    expect(stopping.asked).toHaveLength(before);
  });

  it("none can answer for another", async () => {
    const held: RelayRequest[] = [];
    const honest = await Relay.start((_relay, asked) => held.push(asked));
    const sent = sendOnceConnected();
    await vi.waitFor(() => expect(held).toHaveLength(1));
    const other = await Relay.start();
    const [asked] = held;
    if (asked === undefined) throw new Error("Nothing was asked.");
    await other.say({ kind: "answer", nonce: asked.nonce, status: 200, headers: [] });
    await honest.say({ kind: "answer", nonce: asked.nonce, status: 503, headers: [] });
    await honest.say({ kind: "end", nonce: asked.nonce, end: "whole" });
    expect((await sent).status).toBe(503);
  });

  it("one that dies after the status has said it: the attempt is done", async () => {
    await Relay.start(async (relay, { nonce }) => {
      await relay.say({ kind: "answer", nonce, status: 200, headers: [] });
      relay.die();
    });
    expect(await sendOnceConnected()).toMatchObject({
      status: 200,
      error: null,
      responseBody: "[The body broke off.]",
    });
  });
});
