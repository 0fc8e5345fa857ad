/** Connections from the relay to the gateway, over which it gets requests, so that it needs no inbound port. */
import { setTimeout as wait } from "node:timers/promises";
import {
  challengeSchema,
  decodeFrame,
  drainText,
  encodeFrame,
  heartbeat,
  requestFrameBytesMax,
  type RelayKeys,
} from "../../src/send/egress/protocol.ts";
import { log } from "./log.ts";
import type { Relay } from "./relay.ts";

/** Node's WebSocket takes headers (undici's `WebSocketInit`), which the types of browsers do not have. */
const NodeWebSocket = WebSocket as unknown as new (
  url: URL,
  init: { headers: Record<string, string> },
) => WebSocket;

/**
 * A connection's settings: the gateway and the egress's name. `keys`: of the secret that the gateway has for this name.
 */
export type DialOut = { gateway: URL; name: string; relay: Relay; keys: RelayKeys };

/**
 * The pause between two attempts to connect doubles each time, with jitter, so that relays do not reconnect all at
 * once.
 */
const waitMs = { first: 500, most: 15_000 };
/** A gateway that answers no heartbeat for this time counts as gone, even if the connection was not closed. */
const silenceMs = 3 * heartbeat.everyMs;
/** A receiver has 30 s at most. */
const drainMs = 35_000;

/** Keeps one connection open until `signal` is aborted, then waits for requests under way. Never rejects. */
export async function stayConnected(dialOut: DialOut, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const connection = new Connection(dialOut, signal);
    const reason = await connection.closed;
    if (signal.aborted) return;
    failures = connection.wasReady ? 0 : failures + 1;
    const delayMs = Math.min(waitMs.first * 2 ** failures, waitMs.most) * (0.5 + Math.random());
    log("warn", "not connected", { gateway: dialOut.gateway.origin, reason, retry_ms: Math.round(delayMs) });
    // An abort ends the wait: then there is nothing to connect for.
    await wait(delayMs, undefined, { signal }).catch(() => undefined);
  }
}

/** One connection, from its start to its end. */
class Connection {
  /** Why it ended. */
  readonly closed: Promise<string>;
  wasReady = false;
  readonly #dialOut: DialOut;
  readonly #signal: AbortSignal;
  readonly #ended = Promise.withResolvers<string>();
  #socket: WebSocket | undefined;
  #heardAt = Date.now();
  #beat: NodeJS.Timeout | undefined;

  constructor(dialOut: DialOut, signal: AbortSignal) {
    this.#dialOut = dialOut;
    this.#signal = signal;
    this.closed = this.#ended.promise.finally(() => this.#forget());
    this.#open().catch((error: unknown) => this.#ended.resolve(String(error)));
  }

  async #open(): Promise<void> {
    const { gateway, name, keys } = this.#dialOut;
    const url = new URL(`egress/${encodeURIComponent(name)}/connect`, gateway);
    url.protocol = gateway.protocol === "https:" ? "wss:" : "ws:";
    const frame = await encodeFrame(keys, "connect", { kind: "connect", name, sentAt: Date.now() });
    const headers = { Authorization: `Relay ${Buffer.from(frame).toString("base64")}` };
    const socket = new NodeWebSocket(url, { headers });
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => this.#hear(data));
    socket.addEventListener("close", ({ code, reason }) =>
      this.#ended.resolve(reason || `closed with ${code}`),
    );
    socket.addEventListener("error", () => this.#ended.resolve("the connection failed"));
    this.#beat = setInterval(() => this.#keepAlive(socket), heartbeat.everyMs);
    this.#signal.addEventListener("abort", this.#drain, { once: true });
  }

  #hear(data: unknown): void {
    this.#heardAt = Date.now();
    if (!(data instanceof ArrayBuffer) || data.byteLength > requestFrameBytesMax) return;
    const frame = new Uint8Array(data);
    const handled = this.wasReady ? this.#handle(frame) : this.#sayHello(frame);
    handled.catch((error: unknown) => {
      log("error", "message not handled", { error: error instanceof Error ? error.name : "unknown" });
      this.#socket?.close();
    });
  }

  async #handle(frame: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#dialOut.relay.handle(frame, (answer) => this.#socket?.send(answer));
  }

  /** Answers the gateway's challenge, which a client that only replays another connection's header cannot. */
  async #sayHello(frame: Uint8Array<ArrayBuffer>): Promise<void> {
    const { keys, gateway, name, relay } = this.#dialOut;
    const decoded = await decodeFrame(keys, "challenge", frame);
    const challenge = challengeSchema.safeParse(decoded?.head);
    if (!challenge.success) throw new Error("The gateway's challenge is not signed with this secret.");
    const hello = { kind: "hello", nonce: challenge.data.nonce };
    this.#socket?.send(await encodeFrame(keys, "hello", hello));
    this.wasReady = true;
    relay.metrics.connections += 1;
    log("info", "connected", { gateway: gateway.origin, name });
  }

  #keepAlive(socket: WebSocket): void {
    if (Date.now() - this.#heardAt > silenceMs) this.#ended.resolve("the gateway is silent");
    else if (socket.readyState === WebSocket.OPEN) socket.send(heartbeat.ping);
  }

  /** Tells the gateway to send no more requests here, and waits for those under way. */
  readonly #drain = (): void => {
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN) socket.send(drainText);
    const timeout = wait(drainMs, undefined, { ref: false });
    void Promise.race([this.#dialOut.relay.idle(), timeout]).then(() => this.#ended.resolve("stopped"));
  };

  #forget(): void {
    clearInterval(this.#beat);
    this.#signal.removeEventListener("abort", this.#drain);
    if (this.wasReady) this.#dialOut.relay.metrics.connections -= 1;
    this.#socket?.close();
  }
}
