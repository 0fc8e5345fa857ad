/**
 * The hub of an egress whose relays connect to the gateway. Each relay keeps a WebSocket open to the hub, which
 * forwards requests to the relays.
 */
import { DurableObject } from "cloudflare:workers";
import { readConfig } from "../../platform/config";
import { log } from "../../platform/log";
import {
  challengeSchema,
  clockToleranceMs,
  connectSchema,
  decodeFrame,
  drainText,
  framesType,
  encodeFrame,
  heartbeat,
  helloSchema,
  importRelayKeys,
  newNonce,
  relayAnswerSchema,
  relayRequestSchema,
  type RelayKeys,
  splitFrame,
  withLength,
} from "./protocol";

/** The most relays of one egress. */
const relaysMax = 32;
/** A relay that sends no heartbeat for this time counts as gone, even if its connection was not closed. */
const silenceMs = 3 * heartbeat.everyMs;
/** Longer than any request takes: the caller of an older request is gone. */
const requestMs = 120_000;

/**
 * The state of a connection, stored with it, so that it survives hibernation. `waiting`: the relay has not answered its
 * challenge. `draining`: it gets no new requests. `openedAt` in ms.
 */
type Attachment = {
  name: string;
  state: "waiting" | "ready" | "draining";
  challenge: string;
  openedAt: number;
};

/** A request that a relay is processing, and the stream for its answers. `startedAt` in ms. */
type UnderWay = {
  socket: WebSocket;
  answers: ReadableStreamDefaultController<Uint8Array>;
  startedAt: number;
};

/** @returns the hub of an egress. Only the gateway itself can call it. */
export function hubOf(env: Env, egress: string): DurableObjectStub<RelayHub> {
  return env.RELAYS.getByName(egress);
}

/**
 * Connects a relay to its egress, if its request is signed with the secret of the egress.
 * @returns the response: 101 with a WebSocket; 401 when the signature is not valid; 426 when the request is not for a
 *   WebSocket; 503 when there are too many relays.
 */
export async function connectRelay(env: Env, name: string, request: Request): Promise<Response> {
  if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket") {
    return Response.json({ message: "Relays connect here with a WebSocket." }, { status: 426 });
  }
  const keys = await keysOf(env, name);
  if (keys === null || !(await isSigned(keys, name, request))) {
    return Response.json({ message: "The relay's signature is missing, wrong or stale." }, { status: 401 });
  }
  const { status, webSocket, body } = await hubOf(env, name).fetch(`https://hub/connect/${name}`, {
    headers: { Upgrade: "websocket" },
  });
  // The response of the hub is immutable, and middleware adds headers.
  return webSocket === null ? new Response(body, { status }) : new Response(null, { status, webSocket });
}

async function isSigned(keys: RelayKeys, name: string, request: Request): Promise<boolean> {
  const [, base64 = ""] =
    /^Relay ([A-Za-z0-9+/]{1,1024}={0,2})$/.exec(request.headers.get("Authorization") ?? "") ?? [];
  const bytes = bytesOf(base64);
  const parsed = connectSchema.safeParse(bytes && (await decodeFrame(keys, "connect", bytes))?.head);
  if (!parsed.success || parsed.data.name !== name) return false;
  return Math.abs(Date.now() - parsed.data.sentAt) <= clockToleranceMs;
}

/** @returns the keys of the egress; null when no egress of this name has relays that connect to the gateway. */
async function keysOf(env: Env, name: string): Promise<RelayKeys | null> {
  const egress = readConfig(env).egresses.find((one) => one.name === name);
  return egress?.kind === "dialOut" ? importRelayKeys(egress.secret) : null;
}

/** The Durable Object class (binding `RELAYS`), one object for each egress. It stores nothing but its connections. */
export class RelayHub extends DurableObject<Env> {
  readonly #underWay = new Map<string, UnderWay>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    // The platform answers heartbeats without waking the object.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(heartbeat.ping, heartbeat.pong));
  }

  /**
   * `GET /connect/{name}` connects a relay; the body of any other request is the frame of a request to forward. Only
   * the gateway's own code calls it.
   */
  override async fetch(request: Request): Promise<Response> {
    const [, name] = /^\/connect\/(.+)$/.exec(new URL(request.url).pathname) ?? [];
    return name === undefined
      ? this.#forward(new Uint8Array(await request.arrayBuffer()))
      : this.#connect(name);
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const attachment = attachmentOf(socket);
    if (typeof message === "string") {
      if (message === drainText && attachment.state === "ready") {
        socket.serializeAttachment({ ...attachment, state: "draining" } satisfies Attachment);
      }
      return;
    }
    const frame = new Uint8Array(message);
    if (attachment.state === "waiting") return this.#prove(socket, attachment, frame);
    this.#passOn(socket, frame);
  }

  override webSocketClose(socket: WebSocket): void {
    this.#lose(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#lose(socket);
  }

  async #connect(name: string): Promise<Response> {
    this.#closeSilent();
    const keys = await keysOf(this.env, name);
    if (keys === null || this.ctx.getWebSockets().length >= relaysMax) {
      return Response.json({ message: `An egress has at most ${relaysMax} relays.` }, { status: 503 });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    const challenge = newNonce();
    const state: Attachment = { name, state: "waiting", challenge, openedAt: Date.now() };
    server.serializeAttachment(state);
    const head = { kind: "challenge", nonce: challenge } satisfies typeof challengeSchema._output;
    server.send(await encodeFrame(keys, "challenge", head));
    return new Response(null, { status: 101, webSocket: client });
  }

  /** The challenge proves that the relay has the secret, and has not only copied the header of another relay. */
  async #prove(socket: WebSocket, attachment: Attachment, frame: Uint8Array<ArrayBuffer>): Promise<void> {
    const keys = await keysOf(this.env, attachment.name);
    const hello = helloSchema.safeParse(keys && (await decodeFrame(keys, "hello", frame))?.head);
    if (!hello.success || hello.data.nonce !== attachment.challenge) {
      socket.close(1008, "The challenge is not answered.");
      return;
    }
    socket.serializeAttachment({ ...attachment, state: "ready" } satisfies Attachment);
    log("info", "relay connected", { egress: attachment.name });
  }

  /** Forwards a request to the relay with the fewest requests. The caller verifies the signatures of the answers. */
  #forward(frame: Uint8Array<ArrayBuffer>): Response {
    const head = relayRequestSchema.pick({ nonce: true }).safeParse(splitFrame(frame)?.head);
    if (!head.success) return Response.json({ message: "This is no request for a relay." }, { status: 400 });
    this.#closeSilent();
    const socket = this.#leastBusy();
    if (socket === undefined) return Response.json({ message: "No relay is connected." }, { status: 503 });
    const { nonce } = head.data;
    const stream = new ReadableStream<Uint8Array>({
      start: (answers) => void this.#underWay.set(nonce, { socket, answers, startedAt: Date.now() }),
      cancel: () => void this.#underWay.delete(nonce),
    });
    socket.send(frame);
    return new Response(stream, { headers: { "Content-Type": framesType } });
  }

  #leastBusy(): WebSocket | undefined {
    const load = new Map<WebSocket, number>();
    for (const socket of this.ctx.getWebSockets()) {
      if (attachmentOf(socket).state === "ready") load.set(socket, 0);
    }
    for (const { socket } of this.#underWay.values()) {
      const before = load.get(socket);
      if (before !== undefined) load.set(socket, before + 1);
    }
    const least = Math.min(...load.values());
    const idlest = [...load].filter(([, requests]) => requests === least).map(([socket]) => socket);
    // A random one of them: otherwise one relay would get all requests that come one after another.
    return idlest[Math.floor(Math.random() * idlest.length)];
  }

  /**
   * Passes an answer on to the caller whose request this relay has. Answers to requests of other relays are ignored.
   */
  #passOn(socket: WebSocket, frame: Uint8Array<ArrayBuffer>): void {
    const parsed = relayAnswerSchema.safeParse(splitFrame(frame)?.head);
    const asked = parsed.success ? this.#underWay.get(parsed.data.nonce) : undefined;
    if (!parsed.success || asked?.socket !== socket) return;
    asked.answers.enqueue(withLength(frame));
    if (parsed.data.kind === "answer") return;
    this.#underWay.delete(parsed.data.nonce);
    asked.answers.close();
  }

  /** Ends the requests of a lost relay. The lane repeats those attempts. */
  #lose(lost: WebSocket): void {
    for (const [nonce, { socket, answers }] of this.#underWay) {
      if (socket !== lost) continue;
      this.#underWay.delete(nonce);
      answers.close();
    }
  }

  /** Closes the connections of relays that send no heartbeats, and forgets requests whose callers are gone. */
  #closeSilent(): void {
    const now = Date.now();
    for (const socket of this.ctx.getWebSockets()) {
      const heardAt = this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
      if (now - Math.max(heardAt, attachmentOf(socket).openedAt) <= silenceMs) continue;
      socket.close(1001, "No heartbeat came.");
      this.#lose(socket);
    }
    for (const [nonce, { startedAt }] of this.#underWay) {
      if (now - startedAt > requestMs) this.#underWay.delete(nonce);
    }
  }
}

/** The cast is safe: `#connect` sets the attachment of every socket. */
function attachmentOf(socket: WebSocket): Attachment {
  return socket.deserializeAttachment() as Attachment;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return base64 === "" ? null : Uint8Array.fromBase64(base64);
  } catch {
    // Text that is not base64 is not a valid signature.
    return null;
  }
}
