/**
 * The partitions of a lane's waiting deliveries: one in `strict` ordering, one per job, project or type in `keyed`, one per delivery
 * in `none`. Each has a queue, whose first delivery is its head, and the back-off that holds it. In memory and pure: whether the
 * receiver can be sent anything is the schedule's.
 */
import type { Ordering } from "./handover";
import type { PendingDelivery } from "./pending-deliveries";

/** So many partitions that have not failed are looked at, until one of them is empty: a bound on memory. */
const untriedMax = 1000;
/** And so many in all: those whose head has failed must not hide others. */
const partitionsMax = 20_000;

/** The back-off of a partition whose head was given up: it holds for the next head, and its failures count on. */
export type Backoff = { notBefore: number; failures: number };

export type Partition = {
  /** Sequences that wait, in order; the first is the head. */
  queue: number[];
  notBefore: number;
  /** Failures in a row of earlier heads. */
  earlierFailures: number;
  /** Failures in a row, those of the head included. */
  failures: number;
  /** One at most, but for those that were under way when the ordering changed. */
  inFlight: number;
  /** Whether the head was tried before: then a lane that wakes finds it by its index. */
  isHeadTried: boolean;
  /** Whether all that waits up to `scannedTo` is in the queue: not behind a head that was found by its index. */
  isComplete: boolean;
};

/** The result for a head that was under way. Times in ms. */
export type Landing =
  /** It waits no more: the partition moves on at once. `delivered`: and its failures are forgotten. */
  | { kind: "delivered" | "left" }
  /** It failed and stays. */
  | { kind: "failed"; notBefore: number; failures: number }
  | { kind: "givenUp"; backoff: Backoff }
  /** It stays, and nothing is counted. */
  | { kind: "postponed"; notBefore: number };

export class Partitions {
  readonly ordering: Ordering;
  readonly #byKey = new Map<string, Partition>();
  readonly #backoffs: Map<string, Backoff>;
  /** Of deliveries behind a head that were tried while another ordering held. */
  readonly #tried = new Map<number, Backoff>();
  #scannedTo: number;

  /** @param start.scannedTo every delivery up to this one is finished. @param start.backoffs by partition. */
  constructor(start: { ordering: Ordering; scannedTo: number; backoffs: Map<string, Backoff> }) {
    this.ordering = start.ordering;
    this.#scannedTo = start.scannedTo;
    this.#backoffs = start.backoffs;
  }

  /** Everything up to this sequence has been looked at: what of it waits stands in a partition. */
  get scannedTo(): number {
    return this.#scannedTo;
  }

  /** Whether nothing waits, as far as it was looked at. */
  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  /** Whether no more partitions are taken in: then only what may show that a receiver is back is looked for (`addHead`). */
  get isFull(): boolean {
    if (this.#byKey.size < untriedMax) return false;
    let untried = 0;
    for (const { isHeadTried } of this.#byKey.values()) if (!isHeadTried) untried += 1;
    return untried >= untriedMax || this.#byKey.size >= partitionsMax;
  }

  /** Undefined where nothing waits. */
  get(key: string): Partition | undefined {
    return this.#byKey.get(key);
  }

  /** All of them, by key. */
  entries(): Iterable<[string, Partition]> {
    return this.#byKey;
  }

  values(): Iterable<Partition> {
    return this.#byKey.values();
  }

  /** The partition that a delivery belongs to. */
  keyOf({ orderingKey, sequence }: Pick<PendingDelivery, "orderingKey" | "sequence">): string {
    if (this.ordering === "keyed") return orderingKey;
    return this.ordering === "strict" ? "" : String(sequence);
  }

  /** The partition with a key, which is made where there is none. */
  of(key: string): Partition {
    const present = this.#byKey.get(key);
    if (present !== undefined) return present;
    const { notBefore, failures } = this.#backoffs.get(key) ?? { notBefore: 0, failures: 0 };
    const partition = {
      queue: [],
      notBefore,
      earlierFailures: failures,
      failures,
      inFlight: 0,
      isHeadTried: false,
      isComplete: true,
    };
    this.#byKey.set(key, partition);
    return partition;
  }

  /** Takes in what was found behind `scannedTo`, in order, up to and including `scannedTo`. */
  add(found: readonly PendingDelivery[], scannedTo: number): void {
    for (const pending of found) this.#append(pending);
    this.#scannedTo = scannedTo;
  }

  /** Takes in what failed and lies before `scannedTo`, in order. What waits behind it is looked for when its turn comes. */
  addFailed(found: readonly PendingDelivery[]): void {
    for (const pending of found) this.#append(pending).isComplete = this.ordering === "none";
  }

  /**
   * Takes in one that lies behind `scannedTo` and is the first of its partition there. A later look passes over it.
   * @returns false where the partition has a head already.
   */
  addHead(pending: PendingDelivery): boolean {
    if (this.#byKey.has(this.keyOf(pending))) return false;
    this.#append(pending);
    return true;
  }

  #append(pending: PendingDelivery): Partition {
    const partition = this.of(this.keyOf(pending));
    const { sequence, nextAttemptAt, attempts } = pending;
    // A search that began anew finds again what is known.
    if (sequence <= (partition.queue.at(-1) ?? 0)) return partition;
    partition.queue.push(sequence);
    if (attempts > 0) this.#tried.set(sequence, { notBefore: nextAttemptAt ?? 0, failures: attempts });
    if (partition.queue.length === 1) this.#beginHead(partition);
    return partition;
  }

  /** An attempt of a head, or of a delivery that was one in another ordering, has landed. */
  settle(key: string, sequence: number, landing: Landing): void {
    const partition = this.of(key);
    partition.inFlight -= 1;
    this.#settle(key, partition, sequence, landing);
    this.#dropEmpty(key, partition);
  }

  /** Takes out a delivery that must not go any more and is not under way: its partition moves on. */
  remove(sequence: number): void {
    for (const [key, partition] of this.#byKey) {
      const index = partition.queue.indexOf(sequence);
      if (index < 0) continue;
      partition.queue.splice(index, 1);
      this.#tried.delete(sequence);
      if (index === 0) {
        partition.notBefore = 0;
        this.#nextHead(partition, sequence);
      }
      this.#dropEmpty(key, partition);
      return;
    }
  }

  /** Lets every partition go now: the receiver is back. What fails again waits as long as before. */
  release(): void {
    for (const partition of this.#byKey.values()) partition.notBefore = 0;
  }

  /** The same, and forgets all failures: the webhook was resumed. */
  makeAllDue(): void {
    this.release();
    this.#tried.clear();
    this.#backoffs.clear();
    for (const partition of this.#byKey.values()) {
      partition.earlierFailures = 0;
      partition.failures = 0;
    }
  }

  /** After a clock that went back: no wait is longer than it was meant to be. */
  shift(byMs: number): void {
    for (const partition of this.#byKey.values()) partition.notBefore -= byMs;
    for (const tried of this.#tried.values()) tried.notBefore -= byMs;
    for (const backoff of this.#backoffs.values()) backoff.notBefore -= byMs;
  }

  /** The lowest sequence that is not known to be finished. */
  lowWater(): number {
    let lowest = this.#scannedTo + 1;
    for (const { queue } of this.#byKey.values()) lowest = Math.min(lowest, queue[0] ?? lowest);
    return lowest;
  }

  /**
   * The sequence up to which all that waits was tried, or stands behind something of its partition that was: to be kept for
   * the next wake-up.
   */
  frontier(): number {
    let frontier = this.#scannedTo;
    for (const { queue, isHeadTried } of this.#byKey.values()) {
      const [head] = queue;
      if (head !== undefined && !isHeadTried) frontier = Math.min(frontier, head - 1);
    }
    return frontier;
  }

  /** The lowest sequence that may go next and was never tried, as far as nothing holds it. */
  nextUntried(): number {
    let next = this.#scannedTo + 1;
    for (const { queue, isHeadTried, notBefore } of this.#byKey.values()) {
      const [head] = queue;
      if (head !== undefined && !isHeadTried && notBefore === 0) next = Math.min(next, head);
    }
    return next;
  }

  #dropEmpty(key: string, { queue, inFlight }: Partition): void {
    if (queue.length === 0 && inFlight === 0) this.#byKey.delete(key);
  }

  /** The head that was `left` is gone: what stands behind it is the next one, and is looked for where it is not known. */
  #nextHead(partition: Partition, left: number): void {
    if (!partition.isComplete) {
      for (const sequence of partition.queue) this.#tried.delete(sequence);
      partition.queue = [];
      partition.isComplete = true;
      this.#scannedTo = Math.min(this.#scannedTo, left);
    }
    this.#beginHead(partition);
  }

  /** A new head brings its own retry time along, when it was tried before. */
  #beginHead(partition: Partition): void {
    const [head] = partition.queue;
    const tried = head === undefined ? undefined : this.#tried.get(head);
    partition.notBefore = Math.max(partition.notBefore, tried?.notBefore ?? 0);
    partition.failures = partition.earlierFailures + (tried?.failures ?? 0);
    partition.isHeadTried = tried !== undefined;
    if (head !== undefined) this.#tried.delete(head);
  }

  #settle(key: string, partition: Partition, sequence: number, landing: Landing): void {
    switch (landing.kind) {
      case "delivered":
        this.#backoffs.delete(key);
        return this.#moveOn(partition, sequence, { notBefore: 0, failures: 0 });
      case "left":
        return this.#moveOn(partition, sequence, { notBefore: 0, failures: 0 });
      case "givenUp":
        if (this.ordering !== "none") this.#backoffs.set(key, landing.backoff);
        return this.#moveOn(partition, sequence, landing.backoff);
      case "failed":
        if (partition.queue[0] === sequence) {
          partition.notBefore = landing.notBefore;
          partition.failures = landing.failures;
          partition.isHeadTried = true;
        } else this.#tried.set(sequence, landing);
        return;
      case "postponed":
        if (partition.queue[0] === sequence) partition.notBefore = landing.notBefore;
    }
  }

  #moveOn(partition: Partition, sequence: number, next: Backoff): void {
    const index = partition.queue.indexOf(sequence);
    if (index >= 0) partition.queue.splice(index, 1);
    if (index > 0) return;
    partition.notBefore = next.notBefore;
    partition.earlierFailures = next.failures;
    this.#nextHead(partition, sequence);
  }
}
