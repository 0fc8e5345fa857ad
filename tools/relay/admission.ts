/** Which frames a relay takes: signed by the gateway, fresh, and never seen before. */
import {
  clockToleranceMs,
  decodeFrame,
  type RelayKeys,
  type RelayRequest,
  relayRequestSchema,
} from "../../src/send/egress/protocol.ts";

/** More than comes within the time that a nonce is remembered: at 100 bytes each, about 100 MB. */
const noncesMax = 1_000_000;

/**
 * `unsigned`: nobody knows who sent it. The others are signed: `keys` are those that answer. `malformed` has no nonce that
 * could be answered.
 */
export type Admitted =
  | { kind: "unsigned" }
  | { kind: "malformed" }
  | { kind: "refused"; keys: RelayKeys; nonce: string; reason: string }
  | { kind: "admitted"; keys: RelayKeys; request: RelayRequest; body: Uint8Array };

/** The nonces of a relay that were used: one object for everything that one process takes. */
export class Admission {
  readonly #keys: readonly RelayKeys[];
  /** When each nonce may be forgotten, in ms: in the order in which they came. */
  readonly #used = new Map<string, number>();
  /**
   * What was signed before this process began may have been used in the one before it, which is forgotten: nothing is kept
   * on disk. The gateway makes the attempt again with a new signature.
   */
  readonly #startedAt: number;

  /** @param keys of every secret that is valid: two while one is replaced. */
  constructor(keys: readonly RelayKeys[], now = Date.now()) {
    this.#keys = keys;
    this.#startedAt = now;
  }

  /** Judges a frame and uses its nonce up. */
  async admit(frame: Uint8Array<ArrayBuffer>, now = Date.now()): Promise<Admitted> {
    for (const keys of this.#keys) {
      const decoded = await decodeFrame(keys, "request", frame);
      if (decoded === null) continue;
      const parsed = relayRequestSchema.safeParse(decoded.head);
      if (!parsed.success) return { kind: "malformed" };
      const { nonce, sentAt } = parsed.data;
      const reason = this.isFresh(sentAt, now) ? this.#use(nonce, now) : "the request is stale";
      if (reason !== null) return { kind: "refused", keys, nonce, reason };
      return { kind: "admitted", keys, request: parsed.data, body: decoded.body };
    }
    return { kind: "unsigned" };
  }

  /** Whether something that was signed at `sentAt` (ms) is still to be believed. */
  isFresh(sentAt: number, now = Date.now()): boolean {
    return Math.abs(now - sentAt) <= clockToleranceMs && sentAt >= this.#startedAt;
  }

  /** @returns why the nonce cannot be used, or null. */
  #use(nonce: string, now: number): string | null {
    for (const [old, until] of this.#used) {
      if (until >= now) break;
      this.#used.delete(old);
    }
    if (this.#used.has(nonce)) return "the request was made before";
    // Rather than forget one that could be replayed.
    if (this.#used.size >= noncesMax) return "the relay has taken too many requests";
    // A clock that is ahead by the tolerance signs what is fresh for twice as long.
    this.#used.set(nonce, now + 2 * clockToleranceMs);
    return null;
  }
}
