/** The rate limit of a webhook: attempts begin at least so far apart. A burst is spread, nothing fails for it. */

export class RateLimit {
  /** When the latest attempt began, in ms; undefined until the first one, or the first question. */
  #lastStart: number | undefined;

  /**
   * When the next attempt may begin, in ms with fractions; 0 for at once.
   * @param ratePerS null: no limit.
   * @param lastStart when the latest attempt began that the disk knows of: asked once, after the lane has woken.
   */
  nextStart(ratePerS: number | null, now: number, lastStart: () => number | null): number {
    if (ratePerS === null) return 0;
    this.#lastStart ??= lastStart() ?? Number.NEGATIVE_INFINITY;
    // A clock that goes back makes no wait longer.
    this.#lastStart = Math.min(this.#lastStart, now);
    return Math.max(this.#lastStart + 1000 / ratePerS, 0);
  }

  /** An attempt begins now, also while there is no limit: there may be one for the next. */
  started(now: number): void {
    this.#lastStart = now;
  }
}
