/** What attempts say of a receiver, and what follows for its webhook: trouble, recovery, being disabled. */
import { type AnnouncementType, gatewayTypePrefix } from "./announcements";
import { deliveryUuid } from "./delivery-uuid";
import { activeClock } from "./lane-record";
import type { LaneStorage } from "./lane-storage";
import type { Outgoing } from "./outbox";
import { afterFailure, afterSuccess, type Failure, isHealthy } from "./receiver-health";

/** A webhook that has had nothing but failures for this long is disabled. */
const failingMaxMs = 5 * 86_400_000;
/** A lane keeps at most this much; then its webhook is disabled. */
export const backlogMax = 1_000_000;
export const storageBytesMax = 5_000_000_000;

/** A receiver that was down this long has failed what waits for reasons of its own: all of it goes when it is back. */
const releasedAfterMs = 60_000;

/** After a success: trouble that was announced is over. @param startedAt when the attempt began, in ms. */
export function noteSuccess(storage: LaneStorage, now: number, startedAt: number): void {
  const { failingSince, troubleAnnounced, receiver } = storage.record;
  if (failingSince === null && !troubleAnnounced && isHealthy(receiver)) return;
  if (troubleAnnounced) announce(storage, "webhook:recovered", now, {});
  const { down } = receiver;
  storage.checkpoint({
    failingSince: null,
    troubleAnnounced: false,
    receiver: afterSuccess(receiver, startedAt),
  });
  if (down !== null && now - down.since > releasedAfterMs) storage.release(now);
}

/** After a failed attempt. */
export function noteFailure(storage: LaneStorage, failure: Failure): void {
  const { failingSince, receiver } = storage.record;
  const clock = activeClock(storage.record, failure.now);
  storage.setRecord({
    receiver: afterFailure(receiver, failure),
    failingSince: failingSince ?? clock,
  });
  if (clock - (failingSince ?? clock) >= failingMaxMs) {
    disable(storage, failure.now, "Nothing but failures for 5 days.");
  }
}

/** After a delivery was given up: the first since the last success is announced, and D1 is told the count. */
export function noteDeath(
  storage: LaneStorage,
  now: number,
  dead: Outgoing & { error: string | null },
): void {
  // News of news would never end.
  const isNews = !storage.record.troubleAnnounced && !dead.eventType.startsWith(gatewayTypePrefix);
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
  storage.checkpoint({ copiedToD1: false, ...(isNews && { troubleAnnounced: true }) });
}

/** Disables the webhook: it sends nothing and takes nothing in until it is resumed. What it has it keeps. */
export function disable(storage: LaneStorage, now: number, reason: string): void {
  if (storage.record.state === "disabled") return;
  announce(storage, "webhook:disabled", now, { reason });
  storage.checkpoint({
    state: "disabled",
    disabledReason: reason,
    inactiveSince: storage.record.inactiveSince ?? now,
    troubleAnnounced: true,
    copiedToD1: false,
  });
}

/** Takes events in and sends nothing, until it is resumed. Leaves a disabled webhook disabled. */
export function pause(storage: LaneStorage, now: number): void {
  if (storage.record.state !== "active") return;
  storage.checkpoint({ state: "paused", inactiveSince: now, copiedToD1: false });
}

/** Back to work, at once, whatever it was that stopped it. */
export function resume(storage: LaneStorage, now: number): void {
  const { state, inactiveSince, inactiveMs } = storage.record;
  if (state === "active") return;
  storage.makeAllDue(now, now - (inactiveSince ?? now));
  storage.checkpoint({
    state: "active",
    disabledReason: null,
    inactiveSince: null,
    inactiveMs: inactiveMs + now - (inactiveSince ?? now),
    // A second chance is a whole one.
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
