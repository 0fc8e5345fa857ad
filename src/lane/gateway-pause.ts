/**
 * The pause of a lane after attempts that the gateway could not make (`GatewayFailure`). It is in the lane's record,
 * because an idle object may be evicted during the pause.
 */

/** `failures`: how many there were in a row. `until`: no attempt is started before this time, in ms. */
export type GatewayPause = { failures: number; until: number };

/** The first pause. It doubles with each failure. */
const firstPauseMs = 1000;
const longestPauseMs = 60_000;

/** @returns the pause after another failure. @param before null: there was none. */
export function nextPause(before: GatewayPause | null, now: number): GatewayPause {
  const failures = (before?.failures ?? 0) + 1;
  return { failures, until: now + Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs) };
}

/** @returns the pause; it is over if it would be longer than possible, because the clock was set back. */
export function pauseWithClockAt(pause: GatewayPause | null, now: number): GatewayPause | null {
  return pause === null || pause.until <= now + longestPauseMs ? pause : { ...pause, until: now };
}
