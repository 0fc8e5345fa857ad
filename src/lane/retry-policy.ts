/** Decides what follows from an attempt: delivered, retry, dead letter, or disabling the webhook. Pure: time and chance are arguments. */
import type { AttemptResult } from "../send/attempt";
import type { RetrySettings } from "./handover";

/** No wait for a receiver is longer. */
export const longestDelayMs = 3_600_000;
const jitter = 0.2;
const defaultMaxAgeS = 3 * 86_400;
/** For statuses that blame the request: trying it again does not help, and one poison event must not stop a channel for days. */
const permanentStatuses = new Set([400, 413, 415, 422]);
const permanentAttemptsMax = 5;

export type Decision =
  | { kind: "delivered" }
  /** `at`: when it is tried again, in ms. */
  | { kind: "retry"; at: number }
  /** `at`: when what stands behind it may be tried, in ms. */
  | { kind: "dead"; at: number }
  /** The receiver wants nothing more. `reason`: a sentence. */
  | { kind: "disable"; reason: string };

/** What the decision rests on. */
export type Circumstances = {
  result: Pick<AttemptResult, "error" | "status" | "retryAfterMs" | "refusal">;
  /** Attempts made for this delivery, this one included. */
  attempts: number;
  /** Since the delivery's first attempt, without the time in which the webhook was paused or disabled. */
  ageMs: number;
  /** Failures in a row in this partition, this one included: those of deliveries given up before it count too. */
  failures: number;
  retry: RetrySettings;
  now: number;
  /** From 0 to 1. */
  random: number;
};

export function decide(circumstances: Circumstances): Decision {
  const { result, attempts, ageMs, failures, retry, now, random } = circumstances;
  if (result.error === null) return { kind: "delivered" };
  if (result.refusal?.kind === "gone") {
    return { kind: "disable", reason: `The service takes nothing more. ${result.refusal.reason}` };
  }
  if (result.status === 410) return { kind: "disable", reason: "The receiver answered 410 Gone." };
  // What stands behind a message that is not taken may be: it does not wait.
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
 * Orchest's curve, min(2^n, 3600) seconds, with ±20 % jitter so that receivers that come back are not run over; never more
 * than an hour.
 * @param failures attempts that failed in a row, from 1.
 * @param random from 0 to 1.
 */
export function retryDelayMs(failures: number, random: number): number {
  const curve = Math.min(2 ** failures * 1000, longestDelayMs);
  return Math.min(Math.round(curve * (1 - jitter + 2 * jitter * random)), longestDelayMs);
}

/**
 * How long a failed answer asks to be left alone (`Retry-After`), with jitter that only adds, and never more than an hour;
 * null when it does not ask.
 */
export function askedDelayMs({ result, random }: Pick<Circumstances, "result" | "random">): number | null {
  const asked = result.retryAfterMs;
  if (result.error === null || asked === null) return null;
  return Math.min(Math.round(Math.max(asked, 0) * (1 + jitter * random)), longestDelayMs);
}
