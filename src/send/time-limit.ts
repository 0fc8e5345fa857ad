/**
 * The time limit of one request, in time that this process was on time itself. A process that is too busy sees an answer
 * late: the time by which its own timers fire late is not charged to the receiver.
 */

/** The process is looked at so often: a request that ends sooner costs one timer. */
const stepMs = 1000;
/** A timer that fires later than this says that the process is late. */
const lateAfterMs = 100;
/** After a late last step: an answer that lies there already is read within it. */
const graceMs = 250;
/** So many graces in a row that are late themselves end the request. */
const gracesMax = 3;

export class TimeLimit {
  readonly #controller = new AbortController();
  /** Of the receiver's time, in ms. */
  #leftMs: number;
  #gracesLeft = gracesMax;
  #isLate = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins now. The caller ends the limit (`end`) after its request, or a timer is left. @param ms for the receiver. */
  constructor(ms: number) {
    this.#leftMs = ms;
    this.#wait(Math.min(ms, stepMs), Date.now());
  }

  /** Aborted when the time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the process was late to the very end: then a time-out says nothing about the receiver. */
  get isOwn(): boolean {
    return this.signal.aborted && this.#isLate;
  }

  /** The request has ended. */
  end(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
  }

  #wait(ms: number, from: number): void {
    const dueAt = from + ms;
    this.#timer = setTimeout(() => this.#passed(ms, dueAt), dueAt - Date.now());
  }

  #passed(ms: number, dueAt: number): void {
    const now = Date.now();
    // The clock went back: no wait is longer for it.
    if (now < dueAt) return this.#wait(Math.min(ms, dueAt - now), now);
    this.#isLate = now - dueAt > lateAfterMs;
    this.#leftMs -= ms;
    if (this.#leftMs > 0) return this.#wait(Math.min(this.#leftMs, stepMs), now);
    if (!this.#isLate || this.#gracesLeft === 0) return this.#controller.abort();
    this.#gracesLeft -= 1;
    this.#wait(graceMs, now);
  }
}
