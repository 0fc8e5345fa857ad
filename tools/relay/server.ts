/** The relay's HTTP server: requests of the gateway, its health and its metrics. */
import * as http from "node:http";
import * as https from "node:https";
import {
  admissionHeader,
  framesType,
  type RelayAnswer,
  type RelayKeys,
  requestFrameBytesMax,
  verifyAdmission,
  withLength,
} from "../../src/send/egress/protocol.ts";
import { log } from "./log.ts";
import { bodyBytesMax, type Relay } from "./relay.ts";

/**
 * Longer than the gateway's runtime keeps an idle connection (5 s), so that the relay does not close one that is just
 * being used.
 */
const keepAliveMs = 15_000;
/** A gateway sends a request at once. */
const readMs = 10_000;
const connectionsMax = 1000;

/** `tls`: PEM texts; null behind a proxy that ends TLS, or on the own machine. */
export type ServerSetup = {
  relay: Relay;
  keys: readonly RelayKeys[];
  tls: { cert: string; key: string } | null;
};

/** Makes the server, which does not listen yet. */
export function createRelayServer({ relay, keys, tls }: ServerSetup): http.Server {
  const handler = new Handler(relay, keys);
  const onRequest = (request: http.IncomingMessage, response: http.ServerResponse) => {
    handler.serve(request, response).catch((error: unknown) => {
      log("error", "request not handled", { error: (error as NodeJS.ErrnoException).code ?? "unknown" });
      response.destroy();
    });
  };
  const options = { keepAliveTimeout: keepAliveMs, requestTimeout: readMs, headersTimeout: readMs };
  const server =
    tls === null
      ? http.createServer(options, onRequest)
      : https.createServer({ ...options, ...tls }, onRequest);
  server.maxConnections = connectionsMax;
  return server;
}

class Handler {
  readonly #relay: Relay;
  readonly #keys: readonly RelayKeys[];
  /** Of frames that are being read or handled. The relay itself counts only those that it has read. */
  #bodyBytes = 0;

  constructor(relay: Relay, keys: readonly RelayKeys[]) {
    this.#relay = relay;
    this.#keys = keys;
  }

  async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const route = `${request.method} ${request.url}`;
    if (route === "GET /health") return say(response, 200, "The relay is up.");
    if (route === "GET /metrics") {
      response.writeHead(200, { "Content-Type": "text/plain; version=0.0.4" });
      response.end(this.#relay.metrics.text());
      return;
    }
    if (route === "POST /") return this.#take(request, response);
    return refuse(response, 404, "There is POST /, GET /health and GET /metrics here.");
  }

  async #take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const length = Number(request.headers["content-length"] ?? NaN);
    if (!Number.isSafeInteger(length)) return refuse(response, 411, "A Content-Length is required.");
    if (length > requestFrameBytesMax) return refuse(response, 413, "The request is too large.");
    if (!(await this.#isExpected(request, length))) {
      this.#relay.refused("unsigned");
      return refuse(response, 401, "The request is not signed with this relay's secret, or it is stale.");
    }
    if (this.#bodyBytes + length > bodyBytesMax) {
      this.#relay.refused("too many bytes at once");
      return refuse(response, 503, "The relay is busy.");
    }
    this.#bodyBytes += length;
    try {
      await this.#handle(await readBody(request, length), response);
    } finally {
      this.#bodyBytes -= length;
    }
  }

  /** Whether the gateway announced this body: nothing is read for anybody else. */
  async #isExpected(request: http.IncomingMessage, length: number): Promise<boolean> {
    const header = request.headers[admissionHeader.toLowerCase()];
    if (typeof header !== "string") return false;
    for (const keys of this.#keys) {
      const sentAt = await verifyAdmission(keys, header, length);
      if (sentAt !== null) return this.#relay.admission.isFresh(sentAt);
    }
    return false;
  }

  async #handle(frame: Uint8Array<ArrayBuffer>, response: http.ServerResponse): Promise<void> {
    const handled = await this.#relay.handle(frame, (answer, said) => {
      if (!response.headersSent) {
        // Proxies in between must not change a byte: the frames are signed.
        const type = {
          "Content-Type": framesType,
          "Cache-Control": "no-store, no-transform",
        };
        response.writeHead(statusOf(said), type);
      }
      response.write(withLength(answer));
    });
    if (handled === "unsigned")
      return refuse(response, 401, "The request is not signed with this relay's secret.");
    if (handled === "malformed")
      return refuse(response, 400, "The request is not one of this protocol's version.");
    response.end();
  }
}

/** The status is for people and for proxies' logs. The gateway uses only the signed frame. */
function statusOf(said: RelayAnswer): number {
  if (said.kind === "relayFailed") return said.code === "refused" ? 401 : 503;
  return said.kind === "receiverFailed" && said.error === "blocked" ? 403 : 200;
}

async function readBody(request: http.IncomingMessage, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const body = new Uint8Array(length);
  let at = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

/** The body of a refused request is not read: the connection is closed after the response. */
function refuse(response: http.ServerResponse, status: number, message: string): void {
  response.setHeader("Connection", "close");
  say(response, status, message);
}

function say(response: http.ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ message }));
}
