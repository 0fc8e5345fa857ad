/** When a failed delivery is tried again. Pure: time and chance are arguments. */

const longestDelaySeconds = 3600;
const jitter = 0.2;

/**
 * Orchest's curve, min(2^n, 3600) seconds, with ±20 % jitter so that receivers that come back are not run over.
 * @param failures attempts that failed in a row, from 1.
 * @param random from 0 to 1.
 */
export function retryDelayMs(failures: number, random: number): number {
  const seconds = Math.min(2 ** failures, longestDelaySeconds);
  return Math.round(seconds * 1000 * (1 - jitter + 2 * jitter * random));
}
