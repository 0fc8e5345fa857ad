/**
 * What of a lane may be sent now. A lane's deliveries stand in lines: one line in `strict` order, one per job,
 * project or type in `keyed`, each its own in `none`. Of each line only the head may be under way, and while it
 * waits for a retry the line waits with it. In memory, rebuilt from the outbox; pure: time is an argument.
 */
import type { Ordering } from "./handover";
import type { Waiting } from "./outbox";

/** How many deliveries may be under way at once: a Worker has six connections, and one is the object's own. */
export const widthOf: Record<Ordering, number> = { strict: 1, keyed: 5, none: 5 };

/** More lines than this are not looked at before one of them is empty: a bound on memory. */
const linesMax = 1000;
/** Failures in a row, over all lines, from which on the whole lane backs off: the receiver is down. */
const laneFailuresMax = 10;

/** A line whose head was given up stays back: not before this time, and its failures count on. */
export type Carried = { notBefore: number; failures: number };

type Line = {
  /** Sequences that wait, in order; the first is the head. */
  queue: number[];
  notBefore: number;
  /** Failures that were carried over from heads that were given up. */
  carriedFailures: number;
  inFlight: boolean;
};

/** A head that may go. `failures`: how many attempts of earlier heads failed in a row before it. */
export type Ready = { sequence: number; line: string; carriedFailures: number };

export class Lines {
  readonly ordering: Ordering;
  readonly #lines = new Map<string, Line>();
  readonly #carried: Map<string, Carried>;
  /** Retry times of deliveries behind a head: they were tried while another order held. */
  readonly #ownTimes = new Map<number, number>();
  #scannedTo: number;
  #inFlight = 0;
  #laneFailures = 0;
  #laneNotBefore = 0;

  /** @param start.lowWater every delivery below is finished. */
  constructor(start: { ordering: Ordering; lowWater: number; carried: Map<string, Carried> }) {
    this.ordering = start.ordering;
    this.#scannedTo = start.lowWater - 1;
    this.#carried = start.carried;
  }

  /** Everything up to this sequence has been looked at: what of it waits stands in a line. */
  get scannedTo(): number {
    return this.#scannedTo;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Lines up what was found behind `scannedTo`, in order, up to and including `scannedTo`. */
  add(found: readonly Waiting[], scannedTo: number): void {
    for (const waiting of found) {
      const key = this.#keyOf(waiting);
      const line = this.#lines.get(key);
      if (line !== undefined) {
        line.queue.push(waiting.sequence);
        if (waiting.nextAttemptAt !== null) this.#ownTimes.set(waiting.sequence, waiting.nextAttemptAt);
        continue;
      }
      const carried = this.#carried.get(key);
      this.#lines.set(key, {
        queue: [waiting.sequence],
        notBefore: Math.max(waiting.nextAttemptAt ?? 0, carried?.notBefore ?? 0),
        carriedFailures: carried?.failures ?? 0,
        inFlight: false,
      });
    }
    this.#scannedTo = scannedTo;
  }

  /** Whether to look further: nothing that is lined up may go, and there is room for other lines. */
  wantsMore(now: number): boolean {
    if (this.ordering === "strict") return this.#lines.size === 0;
    return this.#lines.size < linesMax && now >= this.#laneNotBefore && this.#firstReady(now) === null;
  }

  /** Takes the head that has waited longest and may go, and marks its line as under way. */
  take(now: number): Ready | null {
    const probing = this.#laneFailures >= laneFailuresMax;
    if (this.#inFlight >= (probing ? 1 : widthOf[this.ordering]) || now < this.#laneNotBefore) return null;
    const found = this.#firstReady(now);
    if (found === null) return null;
    const [key, line, sequence] = found;
    line.inFlight = true;
    this.#inFlight += 1;
    return { sequence, line: key, carriedFailures: line.carriedFailures };
  }

  /** The head was delivered: the line moves on at once. */
  succeed(key: string): void {
    this.#laneFailures = 0;
    this.#laneNotBefore = 0;
    this.#carried.delete(key);
    this.leave(key);
  }

  /** The head waits no more, for another reason: the line moves on at once. */
  leave(key: string): void {
    this.#moveOn(key, { notBefore: 0, failures: 0 });
  }

  /** The head failed and stays: its line waits. */
  fail(key: string, notBefore: number): void {
    this.#countFailure(notBefore);
    const line = this.#landed(key);
    if (line !== undefined) line.notBefore = notBefore;
  }

  /** The head was given up: the line moves on, but its back-off stays for the next one. */
  giveUp(key: string, carried: Carried): void {
    this.#countFailure(carried.notBefore);
    if (this.ordering !== "none") this.#carried.set(key, carried);
    this.#moveOn(key, carried);
  }

  /** The head was not sent, for a reason of ours: its line waits, and nothing is counted. */
  postpone(key: string, notBefore: number): void {
    const line = this.#landed(key);
    if (line !== undefined) line.notBefore = notBefore;
  }

  /** Lets a waiting head go now. @returns whether this delivery is the head of a line. */
  hurry(sequence: number): boolean {
    const line = this.#headedBy(sequence);
    if (line === undefined) return false;
    line.notBefore = 0;
    this.#laneNotBefore = 0;
    return true;
  }

  /** Lets every line go now: the webhook was resumed. */
  hurryAll(): void {
    this.#ownTimes.clear();
    for (const line of this.#lines.values()) {
      line.notBefore = 0;
      line.carriedFailures = 0;
    }
    this.#carried.clear();
    this.#laneFailures = 0;
    this.#laneNotBefore = 0;
  }

  /** Takes out a delivery that must not go any more: the line moves on, at once unless its next one was tried before. */
  remove(sequence: number): void {
    for (const [key, line] of this.#lines) {
      const index = line.queue.indexOf(sequence);
      // What is under way leaves its line when it lands.
      if (index < 0 || (index === 0 && line.inFlight)) continue;
      line.queue.splice(index, 1);
      this.#ownTimes.delete(sequence);
      if (index === 0) line.notBefore = this.#takeOwnTime(line);
      if (line.queue.length === 0) this.#lines.delete(key);
      this.#laneNotBefore = 0;
    }
  }

  /**
   * When something may go next, in ms (long past: at once); null when nothing waits that is not under way.
   * @param hasMore whether deliveries wait that are not lined up.
   */
  nextAt(now: number, hasMore: boolean): number | null {
    if (hasMore && this.wantsMore(now)) return 0;
    let earliest: number | null = hasMore && this.#lines.size === 0 ? 0 : null;
    for (const line of this.#lines.values()) {
      if (!line.inFlight && (earliest === null || line.notBefore < earliest)) earliest = line.notBefore;
    }
    return earliest === null ? null : Math.max(earliest, this.#laneNotBefore);
  }

  /** The lowest sequence that is not known to be finished. */
  lowWater(): number {
    let lowest = this.#scannedTo + 1;
    for (const { queue } of this.#lines.values()) lowest = Math.min(lowest, queue[0] ?? lowest);
    return lowest;
  }

  #keyOf({ line, sequence }: Waiting): string {
    if (this.ordering === "keyed") return line;
    return this.ordering === "strict" ? "" : String(sequence);
  }

  #firstReady(now: number): [string, Line, number] | null {
    let first: [string, Line, number] | null = null;
    for (const [key, line] of this.#lines) {
      const [head] = line.queue;
      if (head === undefined || line.inFlight || line.notBefore > now) continue;
      if (first === null || head < first[2]) first = [key, line, head];
    }
    return first;
  }

  #headedBy(sequence: number): Line | undefined {
    for (const line of this.#lines.values()) if (line.queue[0] === sequence) return line;
    return undefined;
  }

  #landed(key: string): Line | undefined {
    const line = this.#lines.get(key);
    if (line === undefined || !line.inFlight) return undefined;
    line.inFlight = false;
    this.#inFlight -= 1;
    return line;
  }

  #moveOn(key: string, next: Carried): void {
    const line = this.#landed(key);
    if (line === undefined) return;
    line.queue.shift();
    line.notBefore = Math.max(next.notBefore, this.#takeOwnTime(line));
    line.carriedFailures = next.failures;
    if (line.queue.length === 0) this.#lines.delete(key);
  }

  /** The retry time that a line's new head brings along, in ms; 0 when it was never tried. */
  #takeOwnTime({ queue: [head] }: Line): number {
    if (head === undefined) return 0;
    const ownTime = this.#ownTimes.get(head) ?? 0;
    this.#ownTimes.delete(head);
    return ownTime;
  }

  /** In `strict` order the one line's own back-off says it all. */
  #countFailure(notBefore: number): void {
    if (this.ordering === "strict") return;
    this.#laneFailures += 1;
    if (this.#laneFailures >= laneFailuresMax) this.#laneNotBefore = notBefore;
  }
}
