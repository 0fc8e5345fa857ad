/** Decides which frames a relay accepts: signed by the gateway, fresh, and not replayed. */
import {
  clockToleranceMs,
  decodeFrame,
  type RelayKeys,
  type RelayRequest,
  relayRequestSchema,
} from "../../src/send/egress/protocol.ts";

/** The most nonces that are remembered, more than come in that time. At 100 bytes each, they need about 100 MB. */
const noncesMax = 1_000_000;

/**
 * `unsigned`: the sender is unknown. The others are signed; `keys` sign the answer. `malformed`: it has no nonce, so
 * that it cannot be answered.
 */
export type Admitted =
  | { kind: "unsigned" }
  | { kind: "malformed" }
  | { kind: "refused"; keys: RelayKeys; nonce: string; reason: string }
  | { kind: "admitted"; keys: RelayKeys; request: RelayRequest; body: Uint8Array };

/** The used nonces of a relay: one object per process. */
export class Admission {
  readonly #keys: readonly RelayKeys[];
  /** When each nonce may be forgotten, in ms, in order of arrival. */
  readonly #used = new Map<string, number>();
  /**
   * The start of this process, in ms. Earlier frames are refused, because the nonces of a previous process are not
   * stored. The gateway repeats the attempt with a new signature.
   */
  readonly #startedAt: number;

  /** @param keys of every valid secret: two during a rotation. */
  constructor(keys: readonly RelayKeys[], now = Date.now()) {
    this.#keys = keys;
    this.#startedAt = now;
  }

  /** Checks a frame, and marks its nonce as used. */
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

  /** Whether a signature made at `sentAt` (ms) is fresh. */
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
    // A full list refuses new frames, because a forgotten nonce could be replayed.
    if (this.#used.size >= noncesMax) return "the relay has taken too many requests";
    // A frame is fresh for twice the tolerance if the sender's clock is ahead by the tolerance.
    this.#used.set(nonce, now + 2 * clockToleranceMs);
    return null;
  }
}
