/**
 * What of a lane may be sent now. A lane's deliveries stand in lines: one line in strict order. Of each line only
 * the head may be under way, and while it waits for a retry the line waits with it. All in memory, rebuilt from
 * the outbox: pure, time is an argument.
 */
import type { Waiting } from "./outbox";

type Line = {
  /** Sequences that wait, in order; the first is the head. */
  queue: number[];
  notBefore: number;
  inFlight: boolean;
};

/** At most this many waiting deliveries of a line are kept in memory; the rest stays on disk until they are needed. */
const queueMax = 1000;

export class Lines {
  readonly #lines = new Map<string, Line>();
  /** Everything up to this sequence has been looked at: what of it waits stands in a line. */
  #scannedTo: number;

  /** @param lowWater every delivery below is finished. */
  constructor(lowWater: number) {
    this.#scannedTo = lowWater - 1;
  }

  get scannedTo(): number {
    return this.#scannedTo;
  }

  /** Lines up what was found behind `scannedTo`, in order, up to and including `scannedTo`. */
  add(found: Waiting[], scannedTo: number): void {
    for (const { sequence, nextAttemptAt } of found) {
      const line = this.#lines.get(strictLine);
      if (line === undefined) {
        this.#lines.set(strictLine, {
          queue: [sequence],
          notBefore: nextAttemptAt ?? 0,
          inFlight: false,
        });
      } else {
        line.queue.push(sequence);
      }
    }
    this.#scannedTo = scannedTo;
  }

  /** Whether more may be lined up: there is room, and nothing that is lined up could go first. */
  get wantsMore(): boolean {
    return this.#lines.size === 0;
  }

  /** Whether what comes next may be lined up at once, without a look at the disk. */
  get hasRoom(): boolean {
    return (this.#lines.get(strictLine)?.queue.length ?? 0) < queueMax;
  }

  /** Takes the next head that may go, and marks its line as under way. */
  take(now: number): number | null {
    for (const line of this.#lines.values()) {
      const [head] = line.queue;
      if (head === undefined || line.inFlight || line.notBefore > now) continue;
      line.inFlight = true;
      return head;
    }
    return null;
  }

  /** The head is finished: the line moves on, not before `notBefore`. */
  finish(sequence: number, notBefore = 0): void {
    const [key, line] = this.#lineOfHead(sequence);
    line.queue.shift();
    line.inFlight = false;
    line.notBefore = notBefore;
    if (line.queue.length === 0) this.#lines.delete(key);
  }

  /** The head stays: the line waits until `notBefore`. */
  hold(sequence: number, notBefore: number): void {
    const [, line] = this.#lineOfHead(sequence);
    line.inFlight = false;
    line.notBefore = notBefore;
  }

  /** When the next line may go, in ms (long past: at once); null when none waits. */
  nextAt(): number | null {
    let earliest: number | null = null;
    for (const line of this.#lines.values()) {
      if (!line.inFlight && (earliest === null || line.notBefore < earliest)) earliest = line.notBefore;
    }
    return earliest;
  }

  /** The lowest sequence that is not known to be finished. */
  lowWater(): number {
    let lowest = this.#scannedTo + 1;
    for (const { queue } of this.#lines.values()) {
      const [head] = queue;
      if (head !== undefined && head < lowest) lowest = head;
    }
    return lowest;
  }

  #lineOfHead(sequence: number): [string, Line] {
    for (const entry of this.#lines) {
      if (entry[1].queue[0] === sequence) return entry;
    }
    throw new Error(`Delivery ${sequence} is at the head of no line.`);
  }
}

const strictLine = "";
