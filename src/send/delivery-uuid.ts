/**
 * A delivery's uuid is its webhook's with the version 8 (RFC 9562: "custom") and the sequence as the last 48
 * bits. So no index has to lead from uuid to delivery: an index would be one more row written for each.
 */

/** @param sequence the delivery's place in its webhook's line, from 1. */
export function deliveryUuid(webhookUuid: string, sequence: number): string {
  return prefix(webhookUuid) + sequence.toString(16).padStart(12, "0");
}

/** The sequence in a delivery's uuid, or null when it is no delivery of this webhook. */
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
