/** The uuids and timestamps that the gateway adds to events without them. */
import { isoTime } from "../platform/time";
import type { EventDefaults } from "./parse-events";

/** @returns a random uuid for each event, and the current time, so that each request publishes new events. */
export function newEventDefaults(): EventDefaults {
  const now = isoTime(Date.now());
  return { uuid: () => crypto.randomUUID(), timestamp: () => now };
}

/**
 * @param key the same for repeats of a request and different for every other one. @param now in ms since 1970.
 * @returns uuids that are derived from the key and the event's place, so that a repeat publishes no second event.
 */
export async function repeatableDefaults(key: readonly string[], now: number): Promise<EventDefaults> {
  const text = new TextEncoder().encode(JSON.stringify(key));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  const timestamp = isoTime(now);
  return { uuid: (place) => uuidOf(hash, place), timestamp: () => timestamp };
}

/** @returns a uuid of version 8 (RFC 9562, 5.8) with the bits of a hash, and the place as its last 16 bits. */
function uuidOf(hash: Uint8Array, place: number): string {
  const hex = hash.toHex();
  const variant = ((Number.parseInt(hex.slice(15, 16), 16) & 3) | 8).toString(16);
  const head = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(12, 15)}-${variant}${hex.slice(16, 19)}`;
  return `${head}-${hex.slice(19, 27)}${place.toString(16).padStart(4, "0")}`;
}
