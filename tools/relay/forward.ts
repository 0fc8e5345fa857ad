/** Forwards one request of the gateway to a receiver. */
import * as http from "node:http";
import * as https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { TimeLimit } from "../../src/send/time-limit.ts";
import type { RelayAnswer, RelayRequest } from "../../src/send/egress/protocol.ts";
import type { AllowRule } from "./allow-list.ts";
import type { Connections, PinnedOptions } from "./connections.ts";
import { codeOf, isShortage } from "./error-codes.ts";
import { hostOf, portOf, type Resolve, resolveTarget } from "./resolve.ts";

/** The parts of a relay for forwarding. */
export type ForwardSetup = { allow: readonly AllowRule[]; connections: Connections; resolve: Resolve };

type Failed = Pick<RelayAnswer & { kind: "receiverFailed" }, "error" | "reason">;
type BodyEnd = (RelayAnswer & { kind: "end" })["end"];

/**
 * `answered`: as soon as the headers are there; `body` never rejects. `failed`: the receiver's failure. `relayFailed`:
 * this relay's failure. With `late`, this process was too busy to read a response in time; with `busy`, its machine had
 * no resources for the request.
 */
export type Forwarded =
  | {
      kind: "answered";
      status: number;
      headers: [name: string, value: string][];
      body: Promise<{ bytes: Uint8Array; end: BodyEnd }>;
    }
  | ({ kind: "failed" } & Failed)
  | { kind: "relayFailed"; code: "busy" | "late"; reason: string };

/** The most bytes of response headers. Node's default, 16 KiB, is too small for responses with many cookies. */
const headerBytesMax = 64 * 1024;

/** Node's parser takes any three digits. The protocol with the gateway has no smaller status. */
const statusMin = 100;

/**
 * Headers that describe the connection (RFC 9110, 7.6.1) or the message. The relay sets them itself, to prevent request
 * smuggling.
 */
const ownHeaders = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Sends a request once. Redirects are not followed. The timeout covers resolving, connecting, waiting and reading. */
export async function forward(
  request: RelayRequest,
  body: Uint8Array,
  setup: ForwardSetup,
): Promise<Forwarded> {
  const limit = new TimeLimit(request.timeoutMs);
  const forwarded = await answerTo(request, body, setup, limit);
  if (forwarded.kind === "answered") void forwarded.body.finally(() => limit.end());
  else limit.end();
  return forwarded;
}

async function answerTo(
  request: RelayRequest,
  body: Uint8Array,
  setup: ForwardSetup,
  limit: TimeLimit,
): Promise<Forwarded> {
  const url = new URL(request.url);
  try {
    const resolved = await untilAborted(resolveTarget(url, setup.allow, setup.resolve), limit.signal);
    if (resolved.kind === "blocked") {
      return { kind: "failed", error: "blocked", reason: "the relay's allow list does not have the target" };
    }
    if (resolved.kind === "unknown") return { kind: "failed", error: "dns", reason: resolved.code };
    const options = requestOptions(url, request, {
      addresses: resolved.addresses,
      bodyBytes: body.length,
      connections: setup.connections,
    });
    const response = await untilAborted(exchange(url, options, body, limit.signal), limit.signal);
    return {
      kind: "answered",
      status: response.statusCode ?? 0,
      headers: pairsOf(response.rawHeaders),
      body: readBody(response, request.answerBytesMax, limit.signal),
    };
  } catch (error) {
    if (limit.isGatewayLate) {
      return {
        kind: "relayFailed",
        code: "late",
        reason: "the relay was too busy to see an answer in time",
      };
    }
    if (limit.signal.aborted) return { kind: "failed", error: "timeout", reason: "no answer in time" };
    if (isShortage(error)) {
      return { kind: "relayFailed", code: "busy", reason: `the relay is out of resources: ${codeOf(error)}` };
    }
    return { kind: "failed", ...classify(error) };
  }
}

function requestOptions(
  url: URL,
  { method, headers, verify }: RelayRequest,
  { addresses, bodyBytes, connections }: { addresses: string[]; bodyBytes: number; connections: Connections },
): PinnedOptions {
  const host = hostOf(url);
  const isSecure = url.protocol === "https:";
  const sent = headers.filter(([name]) => !ownHeaders.has(name.toLowerCase()));
  return {
    method,
    host,
    port: portOf(url),
    path: url.pathname + url.search,
    // As a list, which keeps repeated names. Node then adds nothing by itself.
    headers: [...sent.flat(), "Host", url.host, "Content-Length", String(bodyBytes)],
    agent: connections.agentFor({ isSecure, host, verify }),
    maxHeaderSize: headerBytesMax,
    // Of an address no name is asked for: its certificate must have the address itself.
    ...(isSecure && { servername: isIP(host) === 0 ? host : "" }),
    // The name is not resolved again, because it might resolve to another address now.
    lookup: lookupOf(addresses),
    pinnedTo: addresses.toSorted().join(","),
  };
}

function lookupOf(addresses: string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, { all: wantsAll }, found) => {
    const [first] = all;
    if (wantsAll === true || first === undefined) found(null, all);
    else found(null, first.address, first.family);
  };
}

function errorOf(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/**
 * A keep-alive connection may be one that the receiver is just closing. The request then fails at once although the
 * receiver works, and is repeated over another connection, as Node's documentation advises for `reusedSocket`.
 */
async function exchange(
  url: URL,
  options: PinnedOptions,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  for (;;) {
    const request = (url.protocol === "https:" ? https : http).request({ ...options, signal });
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    request.once("response", (response) => {
      if ((response.statusCode ?? 0) >= statusMin) return resolve(response);
      response.destroy();
      reject(errorOf("HPE_INVALID_STATUS"));
    });
    // Not once: an error after the answer began is the body's, and without a listener it would end the process.
    request.on("error", reject);
    // Nothing else comes when the receiver switches to another protocol: Node then closes the connection.
    request.once("close", () => reject(errorOf("NO_RESPONSE")));
    request.end(body);
    try {
      return await promise;
    } catch (error) {
      const code = codeOf(error);
      if (!request.reusedSocket || (code !== "ECONNRESET" && code !== "EPIPE")) throw error;
    }
  }
}

/**
 * Reads the body up to the limit. The bytes are counted, because the headers may state a wrong length. Never rejects.
 */
async function readBody(
  response: http.IncomingMessage,
  bytesMax: number,
  signal: AbortSignal,
): Promise<{ bytes: Uint8Array; end: BodyEnd }> {
  const chunks: Buffer[] = [];
  let left = bytesMax;
  let end: BodyEnd = "whole";
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk.subarray(0, left));
      left -= chunk.length;
      if (left < 0) {
        end = "cut";
        break;
      }
    }
  } catch {
    // Node gives no reason for a body that breaks off.
    end = signal.aborted ? "late" : "broken";
  }
  return { bytes: Buffer.concat(chunks), end };
}

function pairsOf(raw: string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2)
    pairs.push([raw[index] ?? "", raw[index + 1] ?? ""]);
  return pairs;
}

/**
 * Node's and OpenSSL's codes: certificates (X509_V_ERR), the handshake (`EPROTO`, `ERR_SSL_…`; `ERR_OSSL_…` for a
 * certificate that cannot be parsed), names in certificates.
 */
const tlsCode =
  /^(?:ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH)/;

/** @returns the class, and the code. */
function classify(error: unknown): Failed {
  const code = codeOf(error);
  return { error: tlsCode.test(code) ? "tls" : "connection", reason: code };
}

async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
