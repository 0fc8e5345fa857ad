/**
 * Bounds how many attempts begin at once in one process, over all its lanes. Beginning an attempt takes CPU (signing, a
 * connection, TLS). With hundreds at once, each would wait for the others while its receiver's time-out runs. An attempt
 * gives its turn back `turnMs` after it began, so that receivers that hang do not hold up other lanes.
 *
 * All state is data in the module. A lane that is evicted or an invocation that is cancelled neither gives back its turn nor
 * takes the one that it waits for: turns therefore expire, and each waiter also looks for a free turn by itself.
 */

/** How many turns there are: far more than a process has cores to begin attempts with, and few enough for each to begin in time. */
export const turnsMax = 50;
/** How long a turn lasts. After that, an attempt usually waits for its receiver. */
const turnMs = 250;
/** How often a waiter looks by itself: the one that should wake it may be gone. */
const lookMs = 500;
/** A waiter that has not looked for so long was cancelled. */
const goneAfterMs = 5 * lookMs;

type Waiter = { lookedAt: number; wake: () => void };
/** `until`: in ms. */
type Turn = { until: number };

const turns = new Set<Turn>();
/** In the order in which they came. */
const waiters = new Set<Waiter>();

/** Waits for a turn, first come first served. @returns gives it back, once the attempt has ended. */
export async function takeTurn(): Promise<() => void> {
  if (waiters.size === 0 && freeAt(Date.now()) === 0) return begin();
  const waiter: Waiter = { lookedAt: Date.now(), wake: () => {} };
  waiters.add(waiter);
  try {
    for (let waitMs = msToWait(waiter); waitMs > 0; waitMs = msToWait(waiter)) await look(waiter, waitMs);
  } finally {
    waiters.delete(waiter);
  }
  const end = begin();
  wakeFirst();
  return end;
}

/** Forgets all turns and who waits: each test begins without those of the one before. */
export function forgetTurns(): void {
  turns.clear();
  waiters.clear();
}

function begin(): () => void {
  const turn = { until: Date.now() + turnMs };
  turns.add(turn);
  return () => {
    turns.delete(turn);
    wakeFirst();
  };
}

/** When a turn is free, in ms; 0 when one is. */
function freeAt(now: number): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const turn of turns) {
    // A turn that would last longer than `turnMs` began before the clock went back.
    if (turn.until <= now || turn.until > now + turnMs) turns.delete(turn);
    else earliest = Math.min(earliest, turn.until);
  }
  return turns.size < turnsMax ? 0 : earliest;
}

/** How long to wait before the next look, in ms; 0 when it is this one's turn. */
function msToWait(waiter: Waiter): number {
  const now = Date.now();
  waiter.lookedAt = now;
  waiters.add(waiter);
  for (const first of waiters) {
    if (first === waiter) return Math.min(Math.max(freeAt(now) - now, 0), lookMs);
    if (Math.abs(now - first.lookedAt) <= goneAfterMs) return lookMs;
    waiters.delete(first);
  }
  return 0;
}

async function look(waiter: Waiter, waitMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, waitMs);
  waiter.wake = resolve;
  await promise;
  clearTimeout(timer);
}

function wakeFirst(): void {
  const [first] = waiters;
  first?.wake();
}
