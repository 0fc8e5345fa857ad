/**
 * The timeout of one request, without delays of this process. A busy process sees a response late. Its timers are late
 * as well, and the time by which they are late does not count against the receiver.
 */

/** The interval at which delays are measured. A request that ends sooner needs one timer only. */
const stepMs = 1000;
/** A timer that is later than this shows that the process is busy. */
const lateAfterMs = 100;
/** The extra time when the last step was late, to read a response that has already arrived. */
const graceMs = 250;
/** The most extra times in a row. The request is aborted after that many late ones. */
const gracesMax = 3;

/** A timeout that starts when it is constructed. Its signal is aborted at its end. */
export class TimeLimit {
  readonly #controller = new AbortController();
  /** The receiver's remaining time, in ms. */
  #leftMs: number;
  #gracesLeft = gracesMax;
  #isLate = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param ms the receiver's time. The caller must call `end` after its request, which clears the timer. */
  constructor(ms: number) {
    this.#leftMs = ms;
    this.#wait(Math.min(ms, stepMs), Date.now());
  }

  /** Aborted at the timeout. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the process was late up to the timeout. The timeout then says nothing about the receiver. */
  get isGatewayLate(): boolean {
    return this.signal.aborted && this.#isLate;
  }

  /** Ends the limit after the request: clears its timer. */
  end(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
  }

  #wait(ms: number, from: number): void {
    const dueAt = from + ms;
    this.#timer = setTimeout(() => this.#passed(ms, dueAt), dueAt - Date.now());
  }

  #passed(ms: number, dueAt: number): void {
    const now = Date.now();
    // The clock was set back: the wait must not become longer.
    if (now < dueAt) return this.#wait(Math.min(ms, dueAt - now), now);
    this.#isLate = now - dueAt > lateAfterMs;
    this.#leftMs -= ms;
    if (this.#leftMs > 0) return this.#wait(Math.min(this.#leftMs, stepMs), now);
    if (!this.#isLate || this.#gracesLeft === 0) return this.#controller.abort();
    this.#gracesLeft -= 1;
    this.#wait(graceMs, now);
  }
}
