/**
 * How many attempts begin at once in one process, over all lanes that live in it. Beginning one takes CPU (signing, a
 * connection, TLS); with hundreds at once each would wait for all others while its receiver's time runs. An attempt that has
 * begun and waits for its receiver gives its turn back after a moment: receivers that hang hold up nobody.
 *
 * All state is data in the module: a lane that was evicted, or an invocation that was cancelled, never gives a turn back nor
 * takes the one that it waited for. So turns run out by themselves, and whoever waits looks itself from time to time.
 */

/** How many turns there are: far more than a process has cores to begin attempts with, and few enough for each to begin in time. */
export const turnsMax = 50;
/** After so long an attempt waits for its receiver: its turn is free. */
const turnMs = 250;
/** Who waits looks so often itself, in case that nobody wakes it. */
const lookMs = 500;
/** Who has not looked for so long does not wait any more. */
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
    // One that would last longer than a turn can was taken before the clock went back.
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
