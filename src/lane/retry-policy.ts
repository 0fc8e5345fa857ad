/**
 * Decides the consequence of an attempt: delivered, retry, dead letter, or disabling the webhook. Pure: time and
 * randomness are arguments.
 */
import type { AttemptResult } from "../send/attempt";
import type { RetrySettings } from "./handover";

/** The longest wait for a receiver. */
export const longestDelayMs = 3_600_000;
const jitter = 0.2;
const defaultMaxAgeS = 3 * 86_400;
/** The statuses for an invalid request. Retries do not help, and one poison event must not block a webhook for days. */
const permanentStatuses = new Set([400, 413, 415, 422]);
const permanentAttemptsMax = 5;

/** The consequence of an attempt. */
export type Decision =
  | { kind: "delivered" }
  /** `at`: the time of the retry, in ms. */
  | { kind: "retry"; at: number }
  /** `at`: when the next delivery of the partition may be sent, in ms. */
  | { kind: "dead"; at: number }
  /** The receiver accepts no more messages. `reason`: a sentence. */
  | { kind: "disable"; reason: string };

/** The input of a decision. */
export type Circumstances = {
  result: Pick<AttemptResult, "error" | "status" | "retryAfterMs" | "refusal">;
  /** Attempts of this delivery, including this one. */
  attempts: number;
  /** The time since the delivery's first attempt, without the time in which the webhook was paused or disabled. */
  ageMs: number;
  /** Failures in a row in this partition, including this one and those of deliveries that were given up before it. */
  failures: number;
  retry: RetrySettings;
  now: number;
  /** From 0 to 1. */
  random: number;
};

/** @returns the consequence of an attempt. */
export function decide(circumstances: Circumstances): Decision {
  const { result, attempts, ageMs, failures, retry, now, random } = circumstances;
  if (result.error === null) return { kind: "delivered" };
  if (result.refusal?.kind === "gone") {
    return { kind: "disable", reason: `The service takes nothing more. ${result.refusal.reason}` };
  }
  if (result.status === 410) return { kind: "disable", reason: "The receiver answered 410 Gone." };
  // The service refused this message only: the next delivery does not wait.
  if (result.refusal?.kind === "refused") return { kind: "dead", at: now };
  const at = now + Math.max(retryDelayMs(failures, random), askedDelayMs({ result, random }) ?? 0);
  const isPermanent = result.status !== null && permanentStatuses.has(result.status);
  const isOver =
    attempts >= (retry.maxAttempts ?? Number.POSITIVE_INFINITY) ||
    ageMs >= (retry.maxAgeS ?? defaultMaxAgeS) * 1000 ||
    (isPermanent && attempts >= permanentAttemptsMax);
  return { kind: isOver ? "dead" : "retry", at };
}

/**
 * The back-off of Orchest, min(2^n, 3600) seconds, with ±20 % jitter so that a recovering receiver is not overloaded;
 * at most an hour.
 * @param failures the number of failures in a row, from 1.
 * @param random from 0 to 1.
 */
export function retryDelayMs(failures: number, random: number): number {
  const curve = Math.min(2 ** failures * 1000, longestDelayMs);
  return Math.min(Math.round(curve * (1 - jitter + 2 * jitter * random)), longestDelayMs);
}

/**
 * @returns how long a failed response asks to wait (`Retry-After`), in ms, with jitter that only adds, at most an hour;
 *   null when it does not ask.
 */
export function askedDelayMs({ result, random }: Pick<Circumstances, "result" | "random">): number | null {
  const asked = result.retryAfterMs;
  if (result.error === null || asked === null) return null;
  return Math.min(Math.round(Math.max(asked, 0) * (1 + jitter * random)), longestDelayMs);
}
