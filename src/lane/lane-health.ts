/** The consequences of attempts for a webhook: announcing trouble and recovery, and disabling it. */
import { type AnnouncementType, gatewayTypePrefix } from "./announcements";
import { deliveryUuid } from "../send/delivery-uuid";
import { activeClock, type LaneRecord } from "./lane-record";
import type { LaneStorage } from "./lane-storage";
import type { LoadedDelivery } from "./pending-deliveries";
import { afterFailure, afterSuccess, type Failure, isHealthy } from "./receiver-health";

/** A webhook whose attempts have all failed for this long is disabled. */
const failingMaxMs = 5 * 86_400_000;
/** The most deliveries in a backlog. Above it, the webhook is disabled. */
export const backlogMax = 1_000_000;
/** The most bytes in a lane's storage. Above it, the webhook is disabled. */
export const storageBytesMax = 5_000_000_000;

/**
 * Trouble is announced at most once in this time. Otherwise, a receiver that fails now and then would cause many
 * events.
 */
const troubleEveryMs = 3_600_000;
/** A receiver has recovered after this time without a failure, or after this many successes in a row. */
const recoveryQuietMs = 600_000;
const recoverySuccesses = 20;
/**
 * After a receiver was down for longer than this, its first success makes all pending deliveries due, because their
 * back-offs are only from that time.
 */
const releasedAfterMs = 60_000;

/** Whether a success would not change the receiver's health. */
export function isUntroubled({ failingSince, troubleAnnounced, receiver }: LaneRecord): boolean {
  return failingSince === null && !troubleAnnounced && isHealthy(receiver);
}

/** Records a success in the receiver's health. @param startedAt when the attempt started, in ms. */
export function noteSuccess(storage: LaneStorage, now: number, startedAt: number): void {
  if (isUntroubled(storage.record)) return;
  const { receiver, successesSince } = storage.record;
  const { down } = receiver;
  storage.checkpoint({
    failingSince: null,
    successesSince: successesSince + 1,
    receiver: afterSuccess(receiver, startedAt),
  });
  noteRecovery(storage, now);
  if (down !== null && now - down.since > releasedAfterMs) storage.release(now);
}

/** Announces the recovery, if trouble was announced and the receiver has worked for long enough. */
export function noteRecovery(storage: LaneStorage, now: number): void {
  const { successesSince } = storage.record;
  const at = recoveryAt(storage);
  if (at === null || (now < at && successesSince < recoverySuccesses)) return;
  announce(storage, "webhook:recovered", now, {});
  storage.checkpoint({ troubleAnnounced: false });
}

/**
 * @returns when announced trouble is over if no attempt fails until then, in ms; null without announced trouble, or
 *   without a success since.
 */
export function recoveryAt({ record }: LaneStorage): number | null {
  const isUnderWay = record.troubleAnnounced && record.state === "active" && record.successesSince > 0;
  return isUnderWay ? record.lastFailureAt + recoveryQuietMs : null;
}

/** Records a failed attempt in the receiver's health. Disables the webhook after 5 days of failures. */
export function noteFailure(storage: LaneStorage, failure: Failure): void {
  const { failingSince, receiver } = storage.record;
  const clock = activeClock(storage.record, failure.now);
  storage.checkpoint({
    receiver: afterFailure(receiver, failure),
    lastFailureAt: failure.now,
    successesSince: 0,
    failingSince: failingSince ?? clock,
  });
  if (clock - (failingSince ?? clock) >= failingMaxMs) {
    disable(storage, failure.now, "Nothing but failures for 5 days.");
  }
}

/** Handles a new dead letter. The first one since the last recovery is announced, and the count is reported to D1. */
export function noteDeadLetter(
  storage: LaneStorage,
  now: number,
  dead: LoadedDelivery & { error: string | null },
): void {
  const { troubleAnnounced, troubleAt, state } = storage.record;
  const isKnown = troubleAnnounced || now - troubleAt < troubleEveryMs || state === "disabled";
  // A dead letter of an event about a webhook is not announced: two failing webhooks that receive each other's events
  // would otherwise cause events for ever.
  const isNews = !isKnown && !dead.eventType.startsWith(gatewayTypePrefix);
  if (isNews) {
    announce(storage, "webhook:delivery-dead", now, {
      delivery: {
        uuid: deliveryUuid(storage.record.config?.webhook.uuid ?? "", dead.sequence),
        sequence: dead.sequence,
        event_uuid: dead.eventUuid,
        event_type: dead.eventType,
        error: dead.error,
      },
    });
  }
  storage.checkpoint({
    copiedToD1: false,
    ...(isNews && { troubleAnnounced: true, troubleAt: now, successesSince: 0 }),
  });
}

/**
 * Disables the webhook: it sends and accepts nothing until it is resumed, but keeps its deliveries. @param reason a
 * sentence.
 */
export function disable(storage: LaneStorage, now: number, reason: string): void {
  if (storage.record.state === "disabled") return;
  announce(storage, "webhook:disabled", now, { reason });
  storage.checkpoint({
    state: "disabled",
    disabledReason: reason,
    inactiveSince: storage.record.inactiveSince ?? now,
    troubleAnnounced: true,
    troubleAt: now,
    lastFailureAt: now,
    successesSince: 0,
    copiedToD1: false,
  });
}

/** Pauses the webhook: it accepts events but sends nothing until it is resumed. A disabled webhook stays disabled. */
export function pause(storage: LaneStorage, now: number): void {
  if (storage.record.state !== "active") return;
  storage.checkpoint({ state: "paused", inactiveSince: now, copiedToD1: false });
}

/** Makes a paused or disabled webhook active again. All its pending deliveries are due at once. */
export function resume(storage: LaneStorage, now: number): void {
  const { state, inactiveSince, inactiveMs } = storage.record;
  if (state === "active") return;
  storage.makeAllDue(now, now - (inactiveSince ?? now));
  storage.checkpoint({
    state: "active",
    disabledReason: null,
    inactiveSince: null,
    inactiveMs: inactiveMs + now - (inactiveSince ?? now),
    // The five days of failures start again.
    failingSince: null,
    copiedToD1: false,
  });
}

function announce(
  storage: LaneStorage,
  type: AnnouncementType,
  now: number,
  details: Record<string, unknown>,
): void {
  const { uuid, name } = storage.record.config?.webhook ?? {};
  storage.announcements.add(type, now, { webhook: { uuid, name }, ...details });
}
