/**
 * The partitions of a lane's pending deliveries: a single one in `strict` ordering, one per job, project or type in
 * `keyed`, and one per delivery in `none`. Each has a queue, whose first delivery is its head, and a back-off. In
 * memory, and pure. The schedule decides whether the receiver's health allows an attempt.
 */
import type { Ordering } from "./handover";
import type { PendingDelivery } from "./pending-deliveries";

/** The most partitions in memory whose head has not failed. No more are added until one of them is empty. */
const untriedMax = 1000;
/** The most partitions in all. It is higher, so that partitions with failed heads do not displace the others. */
export const partitionsMax = 20_000;

/**
 * The back-off of a partition whose head was given up. It applies to the next head, whose failures are added.
 * `notBefore` in ms.
 */
export type Backoff = { notBefore: number; failures: number };

/** A partition; times in ms. */
export type Partition = {
  /** The sequence numbers of its pending deliveries, in order; the first is the head. */
  queue: number[];
  notBefore: number;
  /** Failures in a row of earlier heads. */
  earlierFailures: number;
  /** Failures in a row, including those of the head. */
  failures: number;
  /** Attempts under way: at most one, except for those that were under way when the ordering changed. */
  inFlight: number;
  /** Whether the head was tried before. A lane that wakes finds such a head by its index. */
  isHeadTried: boolean;
  /** Whether the queue has all pending deliveries up to `scannedTo`. False for a head that was found by its index. */
  isComplete: boolean;
};

/** The result of a head's attempt, for its partition. Times in ms. */
export type HeadResult =
  /** The head is finished, and the partition continues at once. `delivered`: its failures are forgotten. */
  | { kind: "delivered" | "left" }
  /** The head failed and waits for its retry. */
  | { kind: "failed"; notBefore: number; failures: number }
  | { kind: "givenUp"; backoff: Backoff }
  /** The head stays, and no failure is counted. */
  | { kind: "postponed"; notBefore: number };

/** The partitions of one lane. */
export class Partitions {
  readonly ordering: Ordering;
  readonly #byKey = new Map<string, Partition>();
  readonly #backoffs: Map<string, Backoff>;
  /** The back-offs of deliveries behind a head that were tried under another ordering. */
  readonly #tried = new Map<number, Backoff>();
  #scannedTo: number;

  /**
   * @param start.scannedTo every delivery up to this sequence number is finished. @param start.backoffs by partition.
   */
  constructor(start: { ordering: Ordering; scannedTo: number; backoffs: Map<string, Backoff> }) {
    this.ordering = start.ordering;
    this.#scannedTo = start.scannedTo;
    this.#backoffs = start.backoffs;
  }

  /** All pending deliveries up to this sequence number are in a partition. */
  get scannedTo(): number {
    return this.#scannedTo;
  }

  /** Whether no scanned delivery is pending. */
  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  /**
   * Whether no more partitions are added. Only deliveries that may show that a receiver is back are then searched for
   * (`addHead`).
   */
  get isFull(): boolean {
    if (this.#byKey.size < untriedMax) return false;
    let untried = 0;
    for (const { isHeadTried } of this.#byKey.values()) if (!isHeadTried) untried += 1;
    return untried >= untriedMax || this.#byKey.size >= partitionsMax;
  }

  /** @returns a partition; undefined when it has no pending deliveries. */
  get(key: string): Partition | undefined {
    return this.#byKey.get(key);
  }

  /** All partitions, by key. */
  entries(): Iterable<[string, Partition]> {
    return this.#byKey;
  }

  values(): Iterable<Partition> {
    return this.#byKey.values();
  }

  /** @returns the key of a delivery's partition. */
  keyOf({ orderingKey, sequence }: Pick<PendingDelivery, "orderingKey" | "sequence">): string {
    if (this.ordering === "keyed") return orderingKey;
    return this.ordering === "strict" ? "" : String(sequence);
  }

  /** @returns the partition with a key. Creates it if there is none. */
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

  /**
   * Adds the pending deliveries that were found after the previous `scannedTo`, in order. @param scannedTo the last
   * sequence number that was scanned.
   */
  add(found: readonly PendingDelivery[], scannedTo: number): void {
    for (const pending of found) this.#append(pending);
    this.#scannedTo = scannedTo;
  }

  /**
   * Adds failed deliveries up to `scannedTo`, in order. The pending ones behind them are searched for when they are
   * finished.
   */
  addFailed(found: readonly PendingDelivery[]): void {
    for (const pending of found) this.#append(pending).isComplete = this.ordering === "none";
  }

  /**
   * Adds a delivery after `scannedTo` that is the first of its partition there. A later scan skips it.
   * @returns false when the partition has a head already.
   */
  addHead(pending: PendingDelivery): boolean {
    if (this.#byKey.has(this.keyOf(pending))) return false;
    this.#append(pending);
    return true;
  }

  #append(pending: PendingDelivery): Partition {
    const partition = this.of(this.keyOf(pending));
    const { sequence, nextAttemptAt, attempts } = pending;
    // A search that started again finds known deliveries again.
    if (sequence <= (partition.queue.at(-1) ?? 0)) return partition;
    partition.queue.push(sequence);
    if (attempts > 0) this.#tried.set(sequence, { notBefore: nextAttemptAt ?? 0, failures: attempts });
    if (partition.queue.length === 1) this.#beginHead(partition);
    return partition;
  }

  /** Applies the result of an attempt, of a head or of a delivery that was one under another ordering. */
  settle(key: string, sequence: number, result: HeadResult): void {
    const partition = this.of(key);
    partition.inFlight -= 1;
    this.#settle(key, partition, sequence, result);
    this.#dropEmpty(key, partition);
  }

  /** Removes a delivery that must no longer be sent and is not under way. Its partition continues. */
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

  /** Ends all back-offs, because the receiver is back. Deliveries that fail again wait as long as before. */
  release(): void {
    for (const partition of this.#byKey.values()) partition.notBefore = 0;
  }

  /** Ends all back-offs and forgets all failures, because the webhook was resumed. */
  makeAllDue(): void {
    this.release();
    this.#tried.clear();
    this.#backoffs.clear();
    for (const partition of this.#byKey.values()) {
      partition.earlierFailures = 0;
      partition.failures = 0;
    }
  }

  /** Shortens all waits after the clock was set back, so that none becomes longer. */
  shift(byMs: number): void {
    for (const partition of this.#byKey.values()) partition.notBefore -= byMs;
    for (const tried of this.#tried.values()) tried.notBefore -= byMs;
    for (const backoff of this.#backoffs.values()) backoff.notBefore -= byMs;
  }

  /** @returns the lowest sequence number that is not known to be finished. */
  lowWater(): number {
    let lowest = this.#scannedTo + 1;
    for (const { queue } of this.#byKey.values()) lowest = Math.min(lowest, queue[0] ?? lowest);
    return lowest;
  }

  /**
   * @returns the sequence number up to which every pending delivery was tried, or is behind one of its partition that
   *   was. It is stored for the next wake-up.
   */
  frontier(): number {
    let frontier = this.#scannedTo;
    for (const { queue, isHeadTried } of this.#byKey.values()) {
      const [head] = queue;
      if (head !== undefined && !isHeadTried) frontier = Math.min(frontier, head - 1);
    }
    return frontier;
  }

  /**
   * @returns the lowest sequence number that was never tried and may be sent next, because no back-off applies to it.
   */
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

  /** Sets the next head after `left`. If the deliveries behind it are not known, they are searched for. */
  #nextHead(partition: Partition, left: number): void {
    if (!partition.isComplete) {
      for (const sequence of partition.queue) this.#tried.delete(sequence);
      partition.queue = [];
      partition.isComplete = true;
      this.#scannedTo = Math.min(this.#scannedTo, left);
    }
    this.#beginHead(partition);
  }

  /** Applies the new head's own retry time, if it was tried before. */
  #beginHead(partition: Partition): void {
    const [head] = partition.queue;
    const tried = head === undefined ? undefined : this.#tried.get(head);
    partition.notBefore = Math.max(partition.notBefore, tried?.notBefore ?? 0);
    partition.failures = partition.earlierFailures + (tried?.failures ?? 0);
    partition.isHeadTried = tried !== undefined;
    if (head !== undefined) this.#tried.delete(head);
  }

  #settle(key: string, partition: Partition, sequence: number, result: HeadResult): void {
    switch (result.kind) {
      case "delivered":
        this.#backoffs.delete(key);
        return this.#moveOn(partition, sequence, { notBefore: 0, failures: 0 });
      case "left":
        return this.#moveOn(partition, sequence, { notBefore: 0, failures: 0 });
      case "givenUp":
        if (this.ordering !== "none") this.#backoffs.set(key, result.backoff);
        return this.#moveOn(partition, sequence, result.backoff);
      case "failed":
        if (partition.queue[0] === sequence) {
          partition.notBefore = result.notBefore;
          partition.failures = result.failures;
          partition.isHeadTried = true;
        } else this.#tried.set(sequence, result);
        return;
      case "postponed":
        if (partition.queue[0] === sequence) partition.notBefore = result.notBefore;
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
