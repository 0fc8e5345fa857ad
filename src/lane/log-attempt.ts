/** One log line for each attempt. */
import { log } from "../platform/log";
import type { SentAttempt } from "../send/sender";
import type { LaneStorage } from "./lane-storage";
import type { LoadedDelivery } from "./pending-deliveries";

/** Logs an attempt that was made and recorded, with any result. */
export function logAttempt(webhook: string, outgoing: LoadedDelivery, { result }: SentAttempt): void {
  log(result.error === null ? "info" : "warn", "attempt", {
    webhook,
    sequence: outgoing.sequence,
    event: outgoing.eventUuid,
    type: outgoing.eventType,
    attempt: outgoing.attempts + 1,
    status: result.status,
    error: result.error,
    egress: result.egress,
    duration_ms: result.durationMs,
  });
}

/** Logs an attempt that failed because of the gateway. It does not count, and is repeated later. */
export function logGatewayFailure(storage: LaneStorage, sequence: number, error: unknown): void {
  log("error", "delivery failed on our side", {
    webhook: storage.record.config?.webhook.uuid,
    sequence,
    error: String(error),
  });
}
