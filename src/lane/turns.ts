/**
 * Bounds how many attempts begin at once in one process, over all its lanes. Beginning an attempt takes CPU (signing, a
 * connection, TLS). With hundreds at once, each would wait for the others while its receiver's time-out runs. An attempt
 * gives its turn back `turnMs` after it began, so that receivers that hang do not hold up other lanes.
 *
 * All state is data in the module. A lane that is evicted or an invocation that is cancelled neither gives back its turn nor
 * takes the one that it waits for: turns therefore expire. Lanes do not wake each other, because workerd refuses to resolve a
 * promise for another object ("Cannot perform I/O on behalf of a different Durable Object"): each looks by itself.
 */

/** How many turns there are: far more than a process has cores to begin attempts with, and few enough for each to begin in time. */
export const turnsMax = 50;
/** How long a turn lasts. After that, an attempt usually waits for its receiver. */
const turnMs = 250;
/** How often a waiter looks whether it is its turn. */
const lookMs = 20;
/** A waiter that has not looked for so long was cancelled. */
const goneAfterMs = 2500;

type Waiter = { lookedAt: number };
/** `until`: in ms. */
type Turn = { until: number };

const turns = new Set<Turn>();
/** In the order in which they came. */
const waiters = new Set<Waiter>();

/** Waits for a turn, first come first served. @returns gives it back, once the attempt has ended. */
export async function takeTurn(): Promise<() => void> {
  const waiter: Waiter = { lookedAt: Date.now() };
  try {
    while (!isNext(waiter)) await pause();
  } finally {
    waiters.delete(waiter);
  }
  return begin();
}

/** Forgets all turns and waiters: each test begins without those of the one before. */
export function forgetTurns(): void {
  turns.clear();
  waiters.clear();
}

function begin(): () => void {
  const turn = { until: Date.now() + turnMs };
  turns.add(turn);
  return () => void turns.delete(turn);
}

/** Whether there are more free turns than waiters that came before this one. */
function isNext(waiter: Waiter): boolean {
  const now = Date.now();
  waiter.lookedAt = now;
  waiters.add(waiter);
  let free = freeTurns(now);
  for (const earlier of waiters) {
    if (earlier === waiter || free <= 0) break;
    if (Math.abs(now - earlier.lookedAt) > goneAfterMs) waiters.delete(earlier);
    else free -= 1;
  }
  return free > 0;
}

function freeTurns(now: number): number {
  for (const turn of turns) {
    // A turn that would last longer than a turn can was taken before the clock went back.
    if (turn.until <= now || turn.until > now + turnMs) turns.delete(turn);
  }
  return turnsMax - turns.size;
}

async function pause(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, lookMs);
  await promise;
}
