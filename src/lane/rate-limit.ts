/**
 * The rate limit of a webhook: the least time between the starts of two attempts. A burst is spread over time, and no
 * attempt fails because of the limit.
 */

/** The rate limit of one webhook, in memory. */
export class RateLimit {
  /** When the latest attempt started, in ms; undefined until the first attempt or the first call. */
  #lastStart: number | undefined;

  /**
   * @returns when the next attempt may start, in ms with fractions; 0: at once.
   * @param ratePerS null: no limit.
   * @param lastStart gives the start of the latest attempt on disk. It is called once after the lane has woken.
   */
  nextStart(ratePerS: number | null, now: number, lastStart: () => number | null): number {
    if (ratePerS === null) return 0;
    this.#lastStart ??= lastStart() ?? Number.NEGATIVE_INFINITY;
    // If the clock was set back, the wait does not become longer.
    this.#lastStart = Math.min(this.#lastStart, now);
    return Math.max(this.#lastStart + 1000 / ratePerS, 0);
  }

  /**
   * Notes the start of an attempt. Must be called even without a limit, because there may be one for the next attempt.
   */
  started(now: number): void {
    this.#lastStart = now;
  }
}
