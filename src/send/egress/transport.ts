/**
 * Transports: an attempt is sent directly or through an egress. Signing, order, retries and log do not depend on it.
 */
import type { ErrorClass } from "../error-class";
import type { TimeLimit } from "../time-limit";

/** A request, ready to send. */
export type PreparedRequest = {
  url: string;
  headers: Record<string, string>;
  body: Uint8Array;
  timeoutMs: number;
  /** Whether the certificate of an `https:` target is verified. */
  verify: boolean;
};

/**
 * A response whose headers have arrived. `readSignal` is aborted at the timeout: a body that breaks after that took too
 * long.
 */
export type Answer = {
  kind: "answered";
  status: number;
  headers: Headers;
  body: ReadableStream<Uint8Array> | null;
  readSignal: Pick<AbortSignal, "aborted">;
};

/** Why there was no response: a failure of the receiver. `note`: details beyond the class; may be empty. */
export type NoAnswer = { kind: "failed"; error: ErrorClass; note: string };

/** Sends requests; may be used concurrently. */
export type Transport = {
  /** The name of the egress; null when requests are sent directly. */
  egress: string | null;
  /** By how much the timeout is longer than the receiver's time, in ms. */
  graceMs: number;
  /** Sends a request once. @throws {GatewayFailure} when the gateway could not make the attempt. */
  send(request: PreparedRequest, limit: TimeLimit): Promise<Answer | NoAnswer>;
};
