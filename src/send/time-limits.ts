/**
 * Time limits of a lane's requests, in memory. A timer and an `AbortController` of its own for each request take 6 % of a
 * delivery's time: the controllers are used again, and one timer watches over all requests, as they come and go.
 */

export class TimeLimits {
  /** When each request runs out that is under way, in ms. */
  readonly #underWay = new Map<AbortController, number>();
  /** What ended in time: to be used again. */
  readonly #unused: AbortController[] = [];
  #timer: { id: ReturnType<typeof setTimeout>; firesAt: number } | undefined;

  /** @returns a limit whose signal is aborted after `ms`, unless its request has ended. */
  begin(ms: number): AbortController {
    const limit = this.#unused.pop() ?? new AbortController();
    const runsOutAt = Date.now() + ms;
    this.#underWay.set(limit, runsOutAt);
    if (this.#timer === undefined || this.#timer.firesAt > runsOutAt) this.#arm(runsOutAt);
    return limit;
  }

  /** The request has ended. The timer stays, for the next one. */
  end(limit: AbortController): void {
    this.#underWay.delete(limit);
    if (!limit.signal.aborted) this.#unused.push(limit);
  }

  /** Leaves no timer while nothing is under way: an object that has one is billed as awake. */
  rest(): void {
    if (this.#underWay.size === 0) this.#disarm();
  }

  #arm(firesAt: number): void {
    this.#disarm();
    this.#timer = { id: setTimeout(() => this.#look(), firesAt - Date.now()), firesAt };
  }

  #disarm(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer.id);
    this.#timer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    const now = Date.now();
    for (const [limit, runsOutAt] of this.#underWay) if (runsOutAt <= now) limit.abort();
    const left = [...this.#underWay.values()].filter((runsOutAt) => runsOutAt > now);
    if (left.length > 0) this.#arm(Math.min(...left));
  }
}
