/** The relays of one egress that dial out: each keeps a WebSocket open to its hub, which hands requests to them. */
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
/** A relay that sent no heartbeat for so long is gone, though nothing has closed its connection. */
const silenceMs = 3 * heartbeat.everyMs;
/** Longer than any request takes: what is older was left by a caller that is gone. */
const requestMs = 120_000;

/** Of each connection, on disk with it. `waiting`: it has not answered its challenge. `draining`: it gets nothing new. */
type Attachment = {
  name: string;
  state: "waiting" | "ready" | "draining";
  challenge: string;
  openedAt: number;
};

/** A request that a relay has, and where its answers go. */
type UnderWay = {
  socket: WebSocket;
  answers: ReadableStreamDefaultController<Uint8Array>;
  startedAt: number;
};

/** The hub of an egress. Whoever calls it is the gateway itself. */
export function hubOf(env: Env, egress: string): DurableObjectStub<RelayHub> {
  return env.RELAYS.getByName(egress);
}

/**
 * Lets a relay connect that shows that it has the secret of its egress.
 * @returns the answer to its request: 101 with a WebSocket, 401 when it is not signed, 426 when it is no WebSocket.
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
  // One of its own, whose headers can be added to.
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

/** @returns null when the deployment has no egress of this name whose relays dial out. */
async function keysOf(env: Env, name: string): Promise<RelayKeys | null> {
  const egress = readConfig(env).egresses.find((one) => one.name === name);
  return egress?.kind === "dialOut" ? importRelayKeys(egress.secret) : null;
}

/** The Durable Object class (binding `RELAYS`), one object for each egress. It keeps nothing but its connections. */
export class RelayHub extends DurableObject<Env> {
  readonly #underWay = new Map<string, UnderWay>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    // Answered by the platform, without waking the object.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(heartbeat.ping, heartbeat.pong));
  }

  /** `GET /connect/{name}` is a relay's, anything else a request's frame. Only the gateway's own code calls it. */
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

  /** A relay proves that it has the secret now, not only that it saw the header of one that has. */
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

  /** Hands a request to the relay that has the fewest. The caller checks the signatures of what comes back. */
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
    // Any of them: otherwise one relay would get everything that comes one after the other.
    return idlest[Math.floor(Math.random() * idlest.length)];
  }

  /** Passes an answer on to whoever asked this relay: no relay answers what another one was asked. */
  #passOn(socket: WebSocket, frame: Uint8Array<ArrayBuffer>): void {
    const parsed = relayAnswerSchema.safeParse(splitFrame(frame)?.head);
    const asked = parsed.success ? this.#underWay.get(parsed.data.nonce) : undefined;
    if (!parsed.success || asked?.socket !== socket) return;
    asked.answers.enqueue(withLength(frame));
    if (parsed.data.kind === "answer") return;
    this.#underWay.delete(parsed.data.nonce);
    asked.answers.close();
  }

  /** What a relay had is lost with it: the lane makes those attempts again. */
  #lose(lost: WebSocket): void {
    for (const [nonce, { socket, answers }] of this.#underWay) {
      if (socket !== lost) continue;
      this.#underWay.delete(nonce);
      answers.close();
    }
  }

  /** Closes connections whose relay is gone without a word, and forgets requests that nobody waits for. */
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

/** Written by `#connect` and after it. */
function attachmentOf(socket: WebSocket): Attachment {
  return socket.deserializeAttachment() as Attachment;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return base64 === "" ? null : Uint8Array.fromBase64(base64);
  } catch {
    // Not base64: then it is no signature either.
    return null;
  }
}
