/**
 * The protocol between the gateway and a relay: messages, frames and signatures. `tools/relay/README.md` describes it.
 * This file runs in workerd and in Node, so that it uses only web standards and zod.
 */
import { z } from "zod";

/**
 * The purpose of a signature. Each purpose has a key of its own, so that a message cannot be used as one of another
 * kind.
 */
export type Purpose = keyof RelayKeys;
const purposes = ["admission", "request", "answer", "connect", "challenge", "hello"] as const;

/** The HMAC keys that are derived from one secret. */
export type RelayKeys = Record<(typeof purposes)[number], CryptoKey>;

/** The header of an HTTP request to a relay that proves, before the body is read, that the gateway sends it. */
export const admissionHeader = "X-Relay-Admission";
/** The content type of an answer that consists of frames. */
export const framesType = "application/octet-stream";
/**
 * How far the clocks of the gateway and of a relay may differ. A nonce must be remembered for as long before and after
 * its time.
 */
export const clockToleranceMs = 60_000;
/** The most bytes of a request's frame. Formats and form encoding make a message of 100 KiB larger. */
export const requestFrameBytesMax = 2 * 1024 * 1024;
/** The most bytes of an answer's frame: its headers, or what the gateway keeps of its body. */
const answerFrameBytesMax = 256 * 1024;
/**
 * The texts of heartbeats. A relay that connects to the gateway sends `ping` every `everyMs`, and the hub answers
 * `pong`.
 */
export const heartbeat = { ping: "ping", pong: "pong", everyMs: 20_000 } as const;
/** The text that a relay sends before it stops. It then gets no new requests. */
export const drainText = "drain";

const macBytes = 32;
const lengthBytes = 4;
const nonceBytes = 16;
const encoder = new TextEncoder();

const headersSchema = z.array(z.tuple([z.string(), z.string()]));
const nonceSchema = z.string().regex(/^[0-9a-f]{32}$/);

/** The request that a relay must make. `answerBytesMax`: the most bytes of the response's body that it returns. */
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
/** The head of a request's frame. */
export type RelayRequest = z.output<typeof relayRequestSchema>;

/**
 * A relay's answers to a request: `answer`, then `end` with the body; or one of the others alone. `receiverFailed`: the
 * attempt was made and counts, or the relay's allow list refuses the target (`blocked`). `relayFailed`: the relay could
 * not make the attempt. `end`: `whole`; `cut` at the limit; `late` at the timeout; `broken` when the connection broke.
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
    // `refused`: stale or replayed. `busy`: at a limit of the relay. `late`: the relay's process was too slow.
    code: z.enum(["refused", "busy", "late"]),
    reason: z.string(),
  }),
]);
/** The head of an answer's frame. */
export type RelayAnswer = z.output<typeof relayAnswerSchema>;

/** The message in `Authorization: Relay …` with which a relay connects to the gateway. `sentAt` in ms. */
export const connectSchema = z.object({ kind: z.literal("connect"), name: z.string(), sentAt: z.int() });
/** The first message of a connection: the hub's challenge. */
export const challengeSchema = z.object({ kind: z.literal("challenge"), nonce: nonceSchema });
/** The relay's answer to the challenge, with the same nonce. */
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

/** @returns a random nonce: 32 hex digits. */
export function newNonce(): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(nonceBytes)));
}

/**
 * @returns a signed frame: HMAC-SHA256 (32 bytes) of the rest; length of the JSON (4 bytes, big-endian); JSON; body.
 */
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

/**
 * @returns the JSON and the body of a frame; null when the signature is not valid. The signature is verified before
 *   anything is parsed.
 */
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
 * Splits a frame without verifying its signature. The hub uses it to find the request of a frame, whose receiver
 * verifies the signature. @returns the JSON and the body; null when it is not a frame.
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
    // A frame must contain valid JSON.
    return null;
  }
}

/** @returns the value of `admissionHeader` for a frame of `length` bytes, sent at `now` (ms): `now.hmac`. */
export async function admission(keys: RelayKeys, length: number, now: number): Promise<string> {
  const mac = await crypto.subtle.sign("HMAC", keys.admission, encoder.encode(`${now}.${length}`));
  return `${now}.${hexOf(new Uint8Array(mac))}`;
}

/** @returns when the frame was sent, in ms; null when the header is not valid for a frame of this length. */
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

/** @returns a frame for the body of an HTTP response, preceded by its length (4 bytes, big-endian). */
export function withLength(frame: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthBytes + frame.length);
  new DataView(bytes.buffer).setUint32(0, frame.length);
  bytes.set(frame, lengthBytes);
  return bytes;
}

/** Reads the frames of an HTTP response's body one by one. Not for concurrent use. */
export class FrameReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  /**
   * @returns the next frame; null when the body ends before the frame is complete.
   * @throws when the connection breaks, and for a frame that is too long.
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

  /** Cancels the rest of the body. */
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

/** `toHex()` is missing in older versions of Node, with which operators run relays. */
function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) =>
    parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
}
