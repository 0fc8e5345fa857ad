/** A relay in the test process, and the gateway's side of the protocol. */
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import {
  admission,
  admissionHeader,
  decodeFrame,
  encodeFrame,
  FrameReader,
  importRelayKeys,
  newNonce,
  type RelayAnswer,
  relayAnswerSchema,
  type RelayRequest,
} from "../../src/send/egress/protocol.ts";
import { parseAllowRule } from "../../tools/relay/allow-list.ts";
import { Connections, type HostTls } from "../../tools/relay/connections.ts";
import { Relay } from "../../tools/relay/relay.ts";
import type { Resolve } from "../../tools/relay/resolve.ts";
import { createRelayServer } from "../../tools/relay/server.ts";

export const secret = "0123456789abcdef0123456789abcdef";

export type RelayOptions = {
  allow?: string[];
  hosts?: HostTls[];
  resolve?: Resolve;
  concurrency?: number;
  bodyBytesMax?: number;
  tls?: { cert: string; key: string };
};

/** Every name is this machine. */
export const here: Resolve = async () => ["127.0.0.1"];
/** What the tests' receivers are called. */
const allowHere = ["*=127.0.0.0/8"];

export type Asked = { status: number; answers: RelayAnswer[]; body: string };

export class RunningRelay {
  readonly relay: Relay;
  readonly url: string;
  readonly #server: Server;

  private constructor(relay: Relay, server: Server, url: string) {
    this.relay = relay;
    this.#server = server;
    this.url = url;
  }

  /** Starts one, which ends with the test that called this. */
  static async start(options: RelayOptions = {}): Promise<RunningRelay> {
    const keys = [await importRelayKeys(secret)];
    const relay = new Relay({
      keys,
      allow: (options.allow ?? allowHere).map(parseAllowRule),
      connections: new Connections(options.hosts ?? []),
      resolve: options.resolve ?? here,
      concurrency: options.concurrency ?? 100,
      ...(options.bodyBytesMax !== undefined && { bodyBytesMax: options.bodyBytesMax }),
    });
    const server = createRelayServer({ relay, keys, tls: options.tls ?? null });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const running = new RunningRelay(relay, server, `http://127.0.0.1:${port}/`);
    onTestFinished(() => running.stop());
    return running;
  }

  /** From now on nothing answers. */
  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Asks for a request as the gateway does. */
  async ask(url: string, request: Partial<RelayRequest> = {}, body = "body"): Promise<Asked> {
    return this.send(await frameFor(url, request, body));
  }

  /** Sends a frame. @param header in place of the right one. */
  async send(frame: Uint8Array<ArrayBuffer>, header?: string): Promise<Asked> {
    const keys = await importRelayKeys(secret);
    const response = await fetch(this.url, {
      method: "POST",
      headers: { [admissionHeader]: header ?? (await admission(keys, frame.length, Date.now())) },
      body: frame,
    });
    return readAnswers(response);
  }
}

/** A request's frame, signed with the tests' secret unless another one is given. */
export async function frameFor(
  url: string,
  request: Partial<RelayRequest> = {},
  body = "body",
  signedWith = secret,
): Promise<Uint8Array<ArrayBuffer>> {
  const head = {
    kind: "request",
    nonce: newNonce(),
    sentAt: Date.now(),
    method: "POST",
    url,
    headers: [],
    timeoutMs: 5000,
    verify: true,
    answerBytesMax: 2048,
    ...request,
  };
  return encodeFrame(await importRelayKeys(signedWith), "request", head, new TextEncoder().encode(body));
}

/** Reads what a relay answered, as far as it came. */
async function readAnswers(response: Response): Promise<Asked> {
  const keys = await importRelayKeys(secret);
  const answers: RelayAnswer[] = [];
  let body = "";
  if (response.headers.get("Content-Type") !== "application/octet-stream" || response.body === null) {
    return { status: response.status, answers, body: await response.text() };
  }
  const reader = new FrameReader(response.body);
  for (let frame = await reader.next(); frame !== null; frame = await reader.next()) {
    const decoded = await decodeFrame(keys, "answer", frame);
    if (decoded === null) throw new Error("The relay's answer is not signed.");
    answers.push(relayAnswerSchema.parse(decoded.head));
    body += new TextDecoder().decode(decoded.body);
  }
  return { status: response.status, answers, body };
}
