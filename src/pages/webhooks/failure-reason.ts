/** Sentences that explain why an attempt failed. */
import type { LoggedDelivery } from "../../lane/delivery-log";
import { explainFailure } from "../../send/explain-failure";
import type { ShownAttempt } from "../../lane/shown-delivery";

/** @returns null for an attempt that did not fail. */
export function reasonOfAttempt(attempt: ShownAttempt): string | null {
  const { error, status, durationMs } = attempt;
  if (error === null) return null;
  // The log has no timeout. It is a whole number of seconds, and the measured duration is slightly longer.
  const timeoutMs = Math.max(Math.floor(durationMs / 1000), 1) * 1000;
  return sentence(explainFailure({ error, status, responseBody: attempt.responseBody ?? "" }, timeoutMs));
}

/** The reason of a delivery's latest attempt. @returns null when it did not fail, or there was none. */
export function reasonOfDelivery({
  lastError,
  lastStatus,
}: Pick<LoggedDelivery, "lastError" | "lastStatus">): string | null {
  if (lastError === null) return null;
  if (lastError === "timeout") return "The receiver did not respond in time.";
  return sentence(explainFailure({ error: lastError, status: lastStatus, responseBody: "" }, 0));
}

function sentence(end: string): string {
  return `${end.charAt(0).toUpperCase()}${end.slice(1)}${/[.!?”]$/.test(end) ? "" : "."}`;
}
