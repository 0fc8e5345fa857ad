/**
 * Requests over connections that are kept open. The runtime may send a request over one that the receiver is just
 * closing, and a Worker can neither see nor prevent that: `Connection: close` is not passed on. Such a request fails at
 * once though nothing is wrong with the receiver.
 */
/** What the runtime says then, and not of a connection that was refused, or could not be made. */
const brokenText = "Network connection lost.";
/** The runtime closes a connection that was idle for 5 s. */
const keptMs = 5000;
/** A closed connection fails at once. A receiver that takes longer may have begun to work on the request. */
const failsWithinMs = 1000;
const repeatsMax = 5;
/** Long enough for the runtime to notice which idle connections were closed. */
const pauseMs = 2;
const originsMax = 1000;

/**
 * `idle`: how many of an origin's connections may be open and unused. `answers`: how many it ever gave. `answeredAt`: when
 * it gave the latest, in ms.
 */
type KeptConnections = { idle: number; answers: number; answeredAt: number };

/** By origin, the one that answered last at the end. Shared by all webhooks, as the runtime's connections are. */
const keptByOrigin = new Map<string, KeptConnections>();

/**
 * `fetch`, repeated at once when the connection broke before any answer and may have been one that the receiver had
 * closed already: one that was kept from an earlier answer. A receiver that breaks connections by itself may so get one
 * attempt's request again, once for each idle connection.
 * @throws what `fetch` throws.
 */
export async function fetchOverOpenConnection(
  url: string,
  init: RequestInit & { signal: AbortSignal },
): Promise<Response> {
  const { origin } = new URL(url);
  for (let repeats = 0; ; repeats++) {
    const startedAt = Date.now();
    const isOverIdle = takeIdle(origin, startedAt);
    const answersBefore = answersOf(origin);
    try {
      const response = await fetch(url, init);
      keep(origin);
      return response;
    } catch (error) {
      // A request may wait before it is sent, for writes to be on disk: meanwhile others may leave connections idle.
      const mayBeClosed = isOverIdle || answersOf(origin) > answersBefore;
      const isFast = Date.now() - startedAt <= failsWithinMs;
      const isBroken = error instanceof Error && error.message === brokenText;
      if (!mayBeClosed || !isFast || !isBroken || repeats === repeatsMax) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, pauseMs);
      });
    }
  }
}

/** Forgets all connections: each test begins without those of the one before. */
export function forgetConnections(): void {
  keptByOrigin.clear();
}

/** @returns whether a request that begins now may get an idle connection, which it then uses up. */
function takeIdle(origin: string, now: number): boolean {
  const kept = keptByOrigin.get(origin);
  if (kept === undefined) return false;
  if (Math.abs(now - kept.answeredAt) > keptMs) kept.idle = 0;
  if (kept.idle === 0) return false;
  kept.idle -= 1;
  return true;
}

function answersOf(origin: string): number {
  return keptByOrigin.get(origin)?.answers ?? 0;
}

function keep(origin: string): void {
  const idle = Math.min((keptByOrigin.get(origin)?.idle ?? 0) + 1, repeatsMax);
  const answers = answersOf(origin) + 1;
  keptByOrigin.delete(origin);
  keptByOrigin.set(origin, { idle, answers, answeredAt: Date.now() });
  if (keptByOrigin.size <= originsMax) return;
  const [oldest] = keptByOrigin.keys();
  if (oldest !== undefined) keptByOrigin.delete(oldest);
}
