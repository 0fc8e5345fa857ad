/** Time in the hands of a test: `Date` stands still, the real timers run on. */
import { expect, vi } from "vitest";

/** So far ahead that no alarm fires by itself: a test runs each by hand. */
const start = Date.UTC(2040, 0, 1);

/** Stops the clock, for `beforeEach`. What waits for an effect (`vi.waitFor`) waits in real time. */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ["Date"], now: start });
}

/**
 * Stops the clock and the timers of the gateway with it, for `beforeEach`: a wait of the gateway ends only when a test lets
 * time pass in that lane (`passTimeIn`), however slow the machine is.
 */
export function stopTimers(): void {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: start });
}

/** Lets it run again, for `afterEach`. */
export function restartClock(): void {
  vi.useRealTimers();
}

/** Fails if time is still held: what the test before has left would hold up the gateway in all that follow. */
export function expectRealTime(): void {
  const { Date, setTimeout, clearTimeout } = globalThis;
  // Vitest's own have the clock that holds them.
  const held = Object.entries({ Date, setTimeout, clearTimeout }).filter(([, one]) => "clock" in one);
  expect(held.map(([name]) => name)).toEqual([]);
}

/** Puts the stopped clock forward. */
export function passTime(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}
