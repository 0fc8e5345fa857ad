/**
 * The protocol between the gateway and a relay: what both sides sign, send and read. `tools/relay/README.md` describes
 * it. This file runs in workerd and in Node, so that it uses nothing but web standards and zod.
 */
import { z } from "zod";

/** What a signature is for: each has a key of its own, so that no message passes for one of another kind. */
export type Purpose = keyof RelayKeys;
const purposes = ["admission", "request", "answer", "connect", "challenge", "hello"] as const;

/** The HMAC keys that are derived from one secret. */
export type RelayKeys = Record<(typeof purposes)[number], CryptoKey>;

/** Beside the body of an HTTP request to a relay: proves before the body is read that the gateway sends it. */
export const admissionHeader = "X-Relay-Admission";
/** The content type of an answer that consists of frames. */
export const framesType = "application/octet-stream";
/** How far the clocks of the gateway and of a relay may differ, and how long a nonce has to be remembered around it. */
export const clockToleranceMs = 60_000;
/** The most bytes of a request's frame: a message of 100 KiB grows by formats and by form encoding. */
export const requestFrameBytesMax = 2 * 1024 * 1024;
/** The most bytes of an answer's frame: its headers, or what the gateway keeps of its body. */
const answerFrameBytesMax = 256 * 1024;
/** What a relay that dials out sends as text so often, and what the hub answers to it. */
export const heartbeat = { ping: "ping", pong: "pong", everyMs: 20_000 } as const;
/** What a relay sends as text when it is about to stop: it gets no further requests. */
export const drainText = "drain";

const macBytes = 32;
const lengthBytes = 4;
const nonceBytes = 16;
const encoder = new TextEncoder();

const headersSchema = z.array(z.tuple([z.string(), z.string()]));
const nonceSchema = z.string().regex(/^[0-9a-f]{32}$/);

/** The request that a relay is asked to make. `answerBytesMax`: how much of the answer's body is of use. */
export const relayRequestSchema = z.object({
  kind: z.literal("request"),
  nonce: nonceSchema,
  /** When it was signed, in ms since 1970. */
  sentAt: z.int(),
  method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]),
  url: z.url({ protocol: /^https?$/ }),
  headers: headersSchema,
  timeoutMs: z.int().min(1).max(60_000),
  /** Whether the certificate of an `https:` target is verified. */
  verify: z.boolean(),
  answerBytesMax: z
    .int()
    .min(0)
    .max(answerFrameBytesMax / 2),
});
export type RelayRequest = z.output<typeof relayRequestSchema>;

/**
 * What a relay says to a request. `answer`, then `end` with the body; or one of the others alone. `receiverFailed`: the
 * attempt was made and counts, or the relay's allow list refuses the target (`blocked`). `relayFailed`: nothing is known
 * of the receiver. `end`: `whole`, `cut` at the bound, `late` when the time was over, `broken` when the connection broke.
 */
export const relayAnswerSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("answer"),
    nonce: nonceSchema,
    status: z.int().min(100).max(999),
    headers: headersSchema,
  }),
  z.object({ kind: z.literal("end"), nonce: nonceSchema, end: z.enum(["whole", "cut", "late", "broken"]) }),
  z.object({
    kind: z.literal("receiverFailed"),
    nonce: nonceSchema,
    error: z.enum(["timeout", "dns", "tls", "connection", "blocked"]),
    reason: z.string(),
  }),
  z.object({
    kind: z.literal("relayFailed"),
    nonce: nonceSchema,
    // `refused`: stale or replayed. `busy`: at a bound of the relay's. `late`: its process was too slow.
    code: z.enum(["refused", "busy", "late"]),
    reason: z.string(),
  }),
]);
export type RelayAnswer = z.output<typeof relayAnswerSchema>;

/** What a relay that dials out shows in `Authorization: Relay …`, and the two messages that open its connection. */
export const connectSchema = z.object({ kind: z.literal("connect"), name: z.string(), sentAt: z.int() });
export const challengeSchema = z.object({ kind: z.literal("challenge"), nonce: nonceSchema });
export const helloSchema = z.object({ kind: z.literal("hello"), nonce: nonceSchema });

/** Derives the keys of each purpose from a secret. */
export async function importRelayKeys(secret: string): Promise<RelayKeys> {
  const base = await importKey(encoder.encode(secret).slice());
  const keys = await Promise.all(
    purposes.map(async (purpose) => {
      const label = encoder.encode(`orchest-relay.v1.${purpose}`);
      return [
        purpose,
        await importKey(new Uint8Array(await crypto.subtle.sign("HMAC", base, label))),
      ] as const;
    }),
  );
  return Object.fromEntries(keys) as RelayKeys;
}

/** A fresh nonce. */
export function newNonce(): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(nonceBytes)));
}

/** A signed message: HMAC-SHA256 (32 bytes) of the rest; length of the JSON (4 bytes, big-endian); JSON; body. */
export async function encodeFrame(
  keys: RelayKeys,
  purpose: Purpose,
  head: object,
  body: Uint8Array = new Uint8Array(),
): Promise<Uint8Array<ArrayBuffer>> {
  const json = encoder.encode(JSON.stringify(head));
  const frame = new Uint8Array(macBytes + lengthBytes + json.length + body.length);
  new DataView(frame.buffer).setUint32(macBytes, json.length);
  frame.set(json, macBytes + lengthBytes);
  frame.set(body, macBytes + lengthBytes + json.length);
  const mac = await crypto.subtle.sign("HMAC", keys[purpose], frame.subarray(macBytes));
  frame.set(new Uint8Array(mac), 0);
  return frame;
}

/** @returns the JSON and the body of a frame, or null when the signature is not right. Nothing is parsed before it is. */
export async function decodeFrame(
  keys: RelayKeys,
  purpose: Purpose,
  frame: Uint8Array<ArrayBuffer>,
): Promise<{ head: unknown; body: Uint8Array<ArrayBuffer> } | null> {
  if (frame.length < macBytes + lengthBytes) return null;
  const [mac, signed] = [frame.subarray(0, macBytes), frame.subarray(macBytes)];
  if (!(await crypto.subtle.verify("HMAC", keys[purpose], mac, signed))) return null;
  return splitFrame(frame);
}

/**
 * The JSON and the body of a frame whose signature somebody else checks: the hub only needs to know which request it
 * belongs to. @returns null when it is not a frame.
 */
export function splitFrame(
  frame: Uint8Array<ArrayBuffer>,
): { head: unknown; body: Uint8Array<ArrayBuffer> } | null {
  if (frame.length < macBytes + lengthBytes) return null;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const bodyAt = macBytes + lengthBytes + view.getUint32(macBytes);
  if (bodyAt > frame.length) return null;
  try {
    const json = new TextDecoder().decode(frame.subarray(macBytes + lengthBytes, bodyAt));
    return { head: JSON.parse(json), body: frame.subarray(bodyAt) };
  } catch {
    // Not JSON: then it is no frame either.
    return null;
  }
}

/** The value of the header that announces a frame of `length` bytes at `now` (ms): `now.hmac`. */
export async function admission(keys: RelayKeys, length: number, now: number): Promise<string> {
  const mac = await crypto.subtle.sign("HMAC", keys.admission, encoder.encode(`${now}.${length}`));
  return `${now}.${hexOf(new Uint8Array(mac))}`;
}

/** @returns when the body that the header announces was sent, in ms, or null when the header was not made for this length. */
export async function verifyAdmission(
  keys: RelayKeys,
  header: string,
  length: number,
): Promise<number | null> {
  const [, sentAt = "", hex = ""] = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(header) ?? [];
  if (hex === "") return null;
  const signed = encoder.encode(`${sentAt}.${length}`);
  const isRight = await crypto.subtle.verify("HMAC", keys.admission, bytesOf(hex), signed);
  return isRight ? Number(sentAt) : null;
}

/** A frame within the body of an HTTP answer: its length (4 bytes, big-endian) precedes it. */
export function withLength(frame: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthBytes + frame.length);
  new DataView(bytes.buffer).setUint32(0, frame.length);
  bytes.set(frame, lengthBytes);
  return bytes;
}

/** Reads the frames of an HTTP answer's body one by one. */
export class FrameReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  /**
   * @returns the next frame, or null when the body ends before it is complete.
   * @throws when the connection breaks, and for a frame that is longer than any may be.
   */
  async next(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (!(await this.#fill(lengthBytes))) return null;
    const length = new DataView(this.#rest.buffer, this.#rest.byteOffset).getUint32(0);
    if (length > answerFrameBytesMax) throw new Error("The relay's answer has a frame that is too long.");
    if (!(await this.#fill(lengthBytes + length))) return null;
    const frame = this.#rest.slice(lengthBytes, lengthBytes + length);
    this.#rest = this.#rest.subarray(lengthBytes + length);
    return frame;
  }

  /** Ends the body: what has not been read is of no use. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  async #fill(bytes: number): Promise<boolean> {
    while (this.#rest.length < bytes) {
      const { done, value } = await this.#reader.read();
      if (done) return false;
      const joined = new Uint8Array(this.#rest.length + value.length);
      joined.set(this.#rest);
      joined.set(value, this.#rest.length);
      this.#rest = joined;
    }
    return true;
  }
}

function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

/** Not `toHex()`: operators run relays with older versions of Node, which do not have it. */
function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) =>
    parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
}
