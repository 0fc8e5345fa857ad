/** The rate limit of a webhook: attempts begin at least so far apart. A burst is spread, nothing fails for it. */

export class RateLimit {
  /** When the next attempt may begin, in ms with fractions; undefined until the first question. */
  #nextStart: number | undefined;

  /**
   * When the next attempt may begin, in ms; 0 for at once.
   * @param ratePerS null: no limit.
   * @param lastStart when the latest attempt began that the disk knows of: asked once, after the lane has woken.
   */
  nextStart(ratePerS: number | null, now: number, lastStart: () => number | null): number {
    if (ratePerS === null) return 0;
    if (this.#nextStart === undefined) {
      const last = lastStart();
      this.#nextStart = last === null ? 0 : last + 1000 / ratePerS;
    }
    // A clock that goes back makes no wait longer.
    this.#nextStart = Math.min(this.#nextStart, now + 1000 / ratePerS);
    return this.#nextStart;
  }

  /** An attempt begins now. */
  started(ratePerS: number | null, now: number): void {
    if (ratePerS !== null) this.#nextStart = Math.max(this.#nextStart ?? 0, now) + 1000 / ratePerS;
  }
}
