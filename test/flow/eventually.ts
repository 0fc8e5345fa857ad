import { setTimeout as wait } from "node:timers/promises";

const firstPollMs = 25;
/** Polls slow down to this, so that those who wait long take little of a machine that is busy anyway. */
const lastPollMs = 250;
/** Only what hangs reaches it: how fast the machine is decides nothing. */
const patienceMs = 10 * 60_000;

/**
 * Waits until `look` finds something (anything but false, null or undefined) and returns it.
 * @throws {Error} naming `what`, after ten minutes in vain.
 */
export async function eventually<Found>(
  what: string,
  look: () => Found | Promise<Found>,
): Promise<NonNullable<Found>> {
  const deadline = Date.now() + patienceMs;
  for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 1.2, lastPollMs)) {
    const found = await look();
    if (found !== false && found !== null && found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${patienceMs} ms in vain: ${what}.`);
    await wait(pollMs);
  }
}
