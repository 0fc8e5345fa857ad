/** How an attempt leaves the gateway: directly, or through an egress. Signing, order, retries and log are the same. */
import type { ErrorClass } from "../error-class";
import type { TimeLimit } from "../time-limit";

/** A request as it is sent. */
export type PreparedRequest = {
  url: string;
  headers: Record<string, string>;
  body: Uint8Array;
  timeoutMs: number;
  /** Whether the certificate of an `https:` target is verified. */
  verify: boolean;
};

/**
 * An answer, as soon as its headers are there. `readSignal`: aborted once its body is late, so that one that breaks then
 * took too long.
 */
export type Answer = {
  kind: "answered";
  status: number;
  headers: Headers;
  body: ReadableStream<Uint8Array> | null;
  readSignal: Pick<AbortSignal, "aborted">;
};

/** Why there is no answer, which is the receiver's failure. `note`: what is known beyond the class; empty otherwise. */
export type NoAnswer = { kind: "failed"; error: ErrorClass; note: string };

export type Transport = {
  /** Of the egress; null when the request goes out directly. */
  egress: string | null;
  /** By how much longer than the receiver's time the whole may take. */
  graceMs: number;
  /** Sends once. @throws {OwnFailure} when nothing can be said of the receiver. */
  send(request: PreparedRequest, limit: TimeLimit): Promise<Answer | NoAnswer>;
};
