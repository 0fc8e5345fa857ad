/** What attempts say of a receiver, and what follows for its webhook: trouble, recovery, being disabled. */
import { type AnnouncementType, gatewayTypePrefix } from "./announcements";
import { deliveryUuid } from "../send/delivery-uuid";
import { activeClock, type LaneRecord } from "./lane-record";
import type { LaneStorage } from "./lane-storage";
import type { LoadedDelivery } from "./pending-deliveries";
import { afterFailure, afterSuccess, type Failure, isHealthy } from "./receiver-health";

/** A webhook that has had nothing but failures for this long is disabled. */
const failingMaxMs = 5 * 86_400_000;
/** A lane keeps at most this much; then its webhook is disabled. */
export const backlogMax = 1_000_000;
export const storageBytesMax = 5_000_000_000;

/** Trouble is announced once in so long: a receiver that fails now and then would fill every list. */
const troubleEveryMs = 3_600_000;
/** What a recovery takes: so long without a failure, or so many successes in a row. */
const recoveryQuietMs = 600_000;
const recoverySuccesses = 20;
/** After a receiver was down this long, the back-offs of what waits tell of that time only: all of it is due at its first success. */
const releasedAfterMs = 60_000;

/** Whether a success changes nothing of what is known of the receiver. */
export function isUntroubled({ failingSince, troubleAnnounced, receiver }: LaneRecord): boolean {
  return failingSince === null && !troubleAnnounced && isHealthy(receiver);
}

/** After a success. @param startedAt when the attempt began, in ms. */
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

/** Announces that trouble is over, when it was announced and the receiver has been well for long enough. */
export function noteRecovery(storage: LaneStorage, now: number): void {
  const { successesSince } = storage.record;
  const at = recoveryAt(storage);
  if (at === null || (now < at && successesSince < recoverySuccesses)) return;
  announce(storage, "webhook:recovered", now, {});
  storage.checkpoint({ troubleAnnounced: false });
}

/** When trouble that was announced is over if nothing fails until then, in ms; null without any, or without a success since. */
export function recoveryAt({ record }: LaneStorage): number | null {
  const isUnderWay = record.troubleAnnounced && record.state === "active" && record.successesSince > 0;
  return isUnderWay ? record.lastFailureAt + recoveryQuietMs : null;
}

/** After a failed attempt. */
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

/** After a delivery was given up: the first since the last recovery is announced, and D1 is told the count. */
export function noteDeath(
  storage: LaneStorage,
  now: number,
  dead: LoadedDelivery & { error: string | null },
): void {
  const { troubleAnnounced, troubleAt, state } = storage.record;
  const isKnown = troubleAnnounced || now - troubleAt < troubleEveryMs || state === "disabled";
  // Trouble with an event about a webhook is not announced: two webhooks that receive each other's events would go on for ever.
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

/** Disables the webhook: it sends and accepts nothing until it is resumed, and keeps its deliveries. */
export function disable(storage: LaneStorage, now: number, reason: string): void {
  if (storage.record.state === "disabled") return;
  announce(storage, "webhook:disabled", now, { reason });
  storage.checkpoint({
    state: "disabled",
    disabledReason: reason,
    inactiveSince: storage.record.inactiveSince ?? now,
    troubleAnnounced: true,
    lastFailureAt: now,
    successesSince: 0,
    copiedToD1: false,
  });
}

/** Accepts events and sends nothing, until it is resumed. Leaves a disabled webhook disabled. */
export function pause(storage: LaneStorage, now: number): void {
  if (storage.record.state !== "active") return;
  storage.checkpoint({ state: "paused", inactiveSince: now, copiedToD1: false });
}

/** Makes a paused or disabled webhook active again: all that waits is due at once. */
export function resume(storage: LaneStorage, now: number): void {
  const { state, inactiveSince, inactiveMs } = storage.record;
  if (state === "active") return;
  storage.makeAllDue(now, now - (inactiveSince ?? now));
  storage.checkpoint({
    state: "active",
    disabledReason: null,
    inactiveSince: null,
    inactiveMs: inactiveMs + now - (inactiveSince ?? now),
    // The five days of nothing but failures begin anew.
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
