/**
 * Limits how many attempts start at once in one process, over all its lanes. Starting an attempt needs CPU time
 * (signing, a connection, TLS). With hundreds at once, each would wait for the others during its receiver's timeout. An
 * attempt's slot becomes free `slotMs` after its start, so that receivers that hang do not delay other lanes.
 *
 * All state is in the module. Slots expire, because an evicted lane or a cancelled invocation neither frees its slot
 * nor takes the one that it waits for. Lanes poll, because workerd refuses to resolve a promise for another object
 * ("Cannot perform I/O on behalf of a different Durable Object").
 */

/** The number of slots: far more than a process has cores, and few enough for each attempt to start in time. */
export const slotsMax = 50;
/** How long a slot is taken at most. After that, an attempt usually waits for its receiver. */
const slotMs = 250;
/** How often a waiter checks for a free slot. */
const pollMs = 20;
/** A waiter that has not checked for this time was cancelled. */
const goneAfterMs = 2500;

type Waiter = { polledAt: number };
/** A taken slot. `until` in ms. */
type Slot = { until: number };

const slots = new Set<Slot>();
/** In order of arrival. */
const waiters = new Set<Waiter>();

/**
 * Waits for a slot, first come, first served. @returns a function that frees it, to call when the attempt has ended.
 */
export async function takeSlot(): Promise<() => void> {
  const waiter: Waiter = { polledAt: Date.now() };
  try {
    while (!isNext(waiter)) await pause();
  } finally {
    waiters.delete(waiter);
  }
  return begin();
}

/** Forgets all slots and waiters, so that a test does not depend on the tests before it. */
export function forgetSlots(): void {
  slots.clear();
  waiters.clear();
}

function begin(): () => void {
  const slot = { until: Date.now() + slotMs };
  slots.add(slot);
  return () => void slots.delete(slot);
}

/** Whether there are more free slots than earlier waiters. */
function isNext(waiter: Waiter): boolean {
  const now = Date.now();
  waiter.polledAt = now;
  waiters.add(waiter);
  let free = freeSlots(now);
  for (const earlier of waiters) {
    if (earlier === waiter || free <= 0) break;
    if (Math.abs(now - earlier.polledAt) > goneAfterMs) waiters.delete(earlier);
    else free -= 1;
  }
  return free > 0;
}

function freeSlots(now: number): number {
  for (const slot of slots) {
    // A slot with a later end than possible was taken before the clock was set back.
    if (slot.until <= now || slot.until > now + slotMs) slots.delete(slot);
  }
  return slotsMax - slots.size;
}

async function pause(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, pollMs);
  await promise;
}
