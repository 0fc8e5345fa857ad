/** Builds the message of a delivery's next attempt. */
import { deliveryUuid } from "../send/delivery-uuid";
import type { Message } from "../send/sender";
import type { LaneStorage } from "./lane-storage";
import type { LoadedDelivery } from "./pending-deliveries";

/**
 * @param options.replay the id of the attempt's replay, or null. @param options.others the deliveries that the message
 *   also carries.
 * @throws for a lane without a configuration.
 */
export function messageOf(
  storage: LaneStorage,
  outgoing: LoadedDelivery,
  { replay, others }: { replay: string | null; others: readonly LoadedDelivery[] },
): Message {
  const { sequence, attempts, eventType, event } = outgoing;
  return {
    deliveryUuid: deliveryUuid(webhookUuid(storage), sequence),
    eventType,
    event,
    place: { sequence, attempt: attempts + 1 },
    ...(replay !== null && { replay }),
    ...(others.length > 0 && { others: others.map((other) => other.event) }),
  };
}

/** @returns the webhook's uuid. @throws for a lane without a configuration, which has no deliveries. */
export function webhookUuid(storage: LaneStorage): string {
  const { config } = storage.record;
  if (config === null) throw new Error("The lane has deliveries but no configuration.");
  return config.webhook.uuid;
}
