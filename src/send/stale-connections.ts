/**
 * Retries of requests over stale keep-alive connections. The runtime may send a request over an idle connection that
 * the receiver is just closing. A Worker can neither detect nor prevent that, because `Connection: close` is not passed
 * on. Such a request fails at once although the receiver works.
 */
/**
 * The runtime's error for a connection that broke. Connections that were refused or could not be made have other
 * errors.
 */
const brokenText = "Network connection lost.";
/** How long the runtime keeps an idle connection. */
const idleMs = 5000;
/**
 * A request over a stale connection fails within this time. After a longer time, the receiver may have begun to process
 * the request.
 */
const failsWithinMs = 1000;
const repeatsMax = 5;
/** The pause before a repeat, in which the runtime notices which idle connections were closed. */
const pauseMs = 2;
const originsMax = 1000;

/**
 * An origin's connections. `idle`: how many may be open and unused. `answers`: how many responses the origin has sent
 * so far. `answeredAt`: when the latest came, in ms.
 */
type KeptConnections = { idle: number; answers: number; answeredAt: number };

/**
 * By origin; the one with the latest response is the last entry. All webhooks share them, as they share the runtime's
 * connections.
 */
const keptByOrigin = new Map<string, KeptConnections>();

/**
 * `fetch`, repeated at once when the connection broke before any response and may have been stale, that is, kept open
 * after an earlier response. A receiver that breaks connections may therefore get the request of one attempt several
 * times, once for each idle connection.
 * @throws what `fetch` throws.
 */
export async function fetchRetryingStaleConnections(
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
      // The runtime may delay a request until writes are on disk. Meanwhile, other requests may leave idle connections.
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

/** Forgets all connections, so that a test does not depend on the tests before it. */
export function forgetConnections(): void {
  keptByOrigin.clear();
}

/**
 * @returns whether a request that starts now may get an idle connection. The connection then no longer counts as idle.
 */
function takeIdle(origin: string, now: number): boolean {
  const kept = keptByOrigin.get(origin);
  if (kept === undefined) return false;
  if (Math.abs(now - kept.answeredAt) > idleMs) kept.idle = 0;
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
