/**
 * Uuids of deliveries: the webhook's uuid with the version 8 (RFC 9562: "custom") and the sequence number as the last
 * 48 bits. A delivery is thus found without an index on its uuid, which would cost one more written row per delivery.
 */

/** @param sequence the delivery's number within its webhook, from 1. */
export function deliveryUuid(webhookUuid: string, sequence: number): string {
  return prefix(webhookUuid) + sequence.toString(16).padStart(12, "0");
}

/** @returns the sequence number in a delivery's uuid; null when the uuid is not that of a delivery of this webhook. */
export function sequenceOf(webhookUuid: string, uuid: string): number | null {
  const lower = uuid.toLowerCase();
  const digits = lower.slice(prefix(webhookUuid).length);
  if (!lower.startsWith(prefix(webhookUuid)) || !/^[0-9a-f]{12}$/.test(digits)) return null;
  const sequence = Number.parseInt(digits, 16);
  return sequence > 0 ? sequence : null;
}

/** `aaaaaaaa-bbbb-8ccc-dddd-` of `aaaaaaaa-bbbb-4ccc-dddd-eeeeeeeeeeee`. */
function prefix(webhookUuid: string): string {
  return `${webhookUuid.slice(0, 14)}8${webhookUuid.slice(15, 24)}`;
}
