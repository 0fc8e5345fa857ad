import { setTimeout as wait } from "node:timers/promises";

const pollMs = 25;

/**
 * Waits until `look` finds something (anything but false, null or undefined) and returns it.
 * @throws {Error} naming `what`, when the deadline passes first.
 */
export async function eventually<Found>(
  what: string,
  look: () => Found | Promise<Found>,
  { withinMs = 30_000 }: { withinMs?: number } = {},
): Promise<NonNullable<Found>> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== false && found !== null && found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain: ${what}.`);
    await wait(pollMs);
  }
}
