/**
 * The schedule of a lane: which deliveries may be sent now. In each partition, only the head may be under way, and
 * while it waits for a retry, its partition waits. The receiver's health decides which heads may be sent at the same
 * time. In memory, and rebuilt from the outbox. Pure: time and randomness are arguments.
 */
import type { Ordering } from "./handover";
import { type Backoff, type HeadResult, type Partition, Partitions } from "./partitions";
import type { PendingDelivery } from "./pending-deliveries";
import { areProbesShared, type ProbeKind, type ReceiverHealth } from "./receiver-health";

/** How many deliveries may be under way at once. A Worker has six connections, and the object needs one itself. */
export const widthOf: Record<Ordering, number> = { strict: 1, keyed: 5, none: 5 };
/** How many of them may be of partitions that have failed. The others are for partitions that have not. */
const retriesAtOnceMax = 3;
/** An attempt under way. */
type AttemptUnderWay = { key: string; isRetry: boolean; probe: ProbeKind | null };

/** A head to send. `earlierFailures`: how many attempts of earlier heads failed in a row before it. */
export type ReadyDelivery = {
  sequence: number;
  partition: string;
  earlierFailures: number;
  probe: ProbeKind | null;
};

/**
 * The time (ms) and the receiver's health. `heldUntil`: in `strict` ordering, an untried head waits until then for
 * other deliveries of its digest, in ms; 0: it does not wait.
 */
export type Now = { now: number; health: ReceiverHealth; heldUntil?: number };

/** The schedule of one lane. */
export class Schedule {
  readonly ordering: Ordering;
  readonly #partitions: Partitions;
  readonly #underWay: Map<number, AttemptUnderWay>;
  /** Heads that a person resends now, in spite of back-offs. */
  readonly #forced = new Set<number>();

  /**
   * @param start.lowWater every delivery below this sequence number is finished.
   * @param start.before the schedule of the previous ordering, whose attempts under way are kept. `orderingKeyOf` gives
   *   their ordering keys, for their partitions in the new ordering.
   */
  constructor(start: {
    ordering: Ordering;
    lowWater: number;
    backoffs: Map<string, Backoff>;
    before?: { schedule: Schedule; orderingKeyOf: (sequence: number) => string };
  }) {
    const { ordering, lowWater, backoffs, before } = start;
    this.ordering = ordering;
    this.#partitions = new Partitions({ ordering, scannedTo: lowWater - 1, backoffs });
    this.#underWay = new Map();
    if (before === undefined) return;
    for (const [sequence, attempt] of before.schedule.#underWay) {
      const key = this.#partitions.keyOf({ sequence, orderingKey: before.orderingKeyOf(sequence) });
      this.#underWay.set(sequence, { ...attempt, key });
      this.#partitions.of(key).inFlight += 1;
    }
  }

  /** All pending deliveries up to this sequence number are in a partition. */
  get scannedTo(): number {
    return this.#partitions.scannedTo;
  }

  /** Whether no scanned delivery is pending. */
  get isEmpty(): boolean {
    return this.#partitions.isEmpty;
  }

  /**
   * Whether no more partitions are added. Only deliveries that may show that a receiver is back are then searched for
   * (`addHead`).
   */
  get isFull(): boolean {
    return this.#partitions.isFull;
  }

  /** The number of attempts under way. */
  get inFlight(): number {
    return this.#underWay.size;
  }

  /** The head in `strict` ordering if it is neither tried nor under way, else null. */
  get untriedHead(): number | null {
    const partition = this.ordering === "strict" ? this.#partitions.get("") : undefined;
    return partition === undefined || partition.isHeadTried || partition.inFlight > 0
      ? null
      : (partition.queue[0] ?? null);
  }

  /**
   * Adds the pending deliveries that were found after the previous `scannedTo`, in order. @param scannedTo the last
   * sequence number that was scanned.
   */
  add(found: readonly PendingDelivery[], scannedTo: number): void {
    this.#partitions.add(found, scannedTo);
  }

  /**
   * Adds failed deliveries up to `scannedTo`, in order. The pending ones behind them are searched for when they are
   * finished.
   */
  addFailed(found: readonly PendingDelivery[]): void {
    this.#partitions.addFailed(found);
  }

  /**
   * Adds a delivery after `scannedTo` that is the first of its partition there. A later scan skips it.
   * @returns false when the partition has a head already.
   */
  addHead(pending: PendingDelivery): boolean {
    return this.#partitions.addHead(pending);
  }

  /** Whether to search for more deliveries: none in the schedule may be sent, and there is room for more partitions. */
  wantsMore({ now, health }: Now): boolean {
    if (this.#searchableAt(health) > now) return false;
    for (const head of this.#heads(now)) if (this.#mayGo(head, { now, health })) return false;
    return true;
  }

  /**
   * Takes a head that may be sent, and marks its partition as under way. @returns null when none may be sent. @param
   * options.random from 0 to 1.
   */
  take({ random, ...rest }: Now & { random: number }): ReadyDelivery | null {
    if (this.#underWay.size >= widthOf[this.ordering]) return null;
    const found = this.#forcedHead() ?? this.#choose({ ...rest, random });
    if (found === null) return null;
    const { key, partition, sequence, probe } = found;
    partition.inFlight += 1;
    this.#forced.delete(sequence);
    this.#underWay.set(sequence, { key, isRetry: partition.failures > 0, probe });
    return { sequence, partition: key, earlierFailures: partition.earlierFailures, probe };
  }

  /** Whether a waiting delivery may be sent now, as a probe if the receiver is down. */
  mayProbe({ now, health }: Now): boolean {
    if (isAskedToWait(health, now)) return false;
    return health.down === null || (health.down.retry.notBefore <= now && !this.#isProbed("retry", health));
  }

  /** Applies the result of an attempt that `take` started. */
  settle(sequence: number, result: HeadResult): void {
    const attempt = this.#underWay.get(sequence);
    if (attempt === undefined) return;
    this.#underWay.delete(sequence);
    this.#partitions.settle(attempt.key, sequence, result);
  }

  /** Makes a pending head due now. @returns whether this delivery is the head of a partition. */
  makeDue(sequence: number): boolean {
    for (const { queue, inFlight } of this.#partitions.values()) {
      if (queue[0] !== sequence) continue;
      if (inFlight === 0) this.#forced.add(sequence);
      return true;
    }
    return false;
  }

  /** Ends all back-offs, because the receiver is back. Deliveries that fail again wait as long as before. */
  release(): void {
    this.#partitions.release();
  }

  /** Ends all back-offs and forgets all failures, because the webhook was resumed. */
  makeAllDue(): void {
    this.#partitions.makeAllDue();
  }

  /** Shortens all waits after the clock was set back, so that none becomes longer. */
  shift(byMs: number): void {
    this.#partitions.shift(byMs);
  }

  /**
   * Removes a delivery that must no longer be sent. One that is under way leaves its partition when its attempt ends.
   */
  remove(sequence: number): void {
    if (this.#underWay.has(sequence)) return;
    this.#forced.delete(sequence);
    this.#partitions.remove(sequence);
  }

  /**
   * @returns when the next delivery may be sent, in ms (in the past: at once, or as soon as there is room); null when
   *   all pending deliveries are under way.
   * @param hasMore whether there may be pending deliveries that are not in the schedule.
   */
  nextAt({ now, health, heldUntil = 0 }: Now, hasMore: boolean): number | null {
    if (hasMore && this.wantsMore({ now, health })) return 0;
    // This applies even if other partitions are known: deliveries that were not scanned may be fresh, and are sent
    // before all of them.
    let earliest = hasMore ? this.#searchableAt(health) : Number.POSITIVE_INFINITY;
    for (const partition of this.#partitions.values()) {
      const [head] = partition.queue;
      if (head === undefined || partition.inFlight > 0) continue;
      if (this.#forced.has(head)) return 0;
      const { down } = health;
      const probe = probeKindOf(partition, health);
      if (this.#isProbed(probe, health)) continue;
      const notBefore = Math.max(partition.notBefore, partition.isHeadTried ? 0 : heldUntil);
      earliest = Math.min(earliest, Math.max(notBefore, down?.[probe].notBefore ?? 0));
    }
    return earliest === Number.POSITIVE_INFINITY ? null : Math.max(earliest, health.asked?.until ?? 0);
  }

  /** @returns the lowest sequence number that is not known to be finished. */
  lowWater(): number {
    return this.#partitions.lowWater();
  }

  /** @see Partitions.frontier */
  frontier(): number {
    return this.#partitions.frontier();
  }

  /** @see Partitions.nextUntried */
  nextUntried(): number {
    return this.#partitions.nextUntried();
  }

  /** @returns when to search for pending deliveries, in ms: while the receiver is down, at its next probe. */
  #searchableAt({ asked, down }: ReceiverHealth): number {
    if (this.ordering === "strict") return this.#partitions.isEmpty ? 0 : Number.POSITIVE_INFINITY;
    if (this.isFull && down === null) return Number.POSITIVE_INFINITY;
    const { retry, fresh } = down ?? { retry: { notBefore: 0 }, fresh: { notBefore: 0 } };
    const probeAt = this.isFull ? fresh.notBefore : Math.min(retry.notBefore, fresh.notBefore);
    return Math.max(probeAt, asked?.until ?? 0);
  }

  #forcedHead(): Candidate | null {
    for (const sequence of this.#forced) {
      for (const [key, partition] of this.#partitions.entries()) {
        if (partition.queue[0] === sequence && partition.inFlight === 0) {
          return { key, partition, sequence, probe: null };
        }
      }
    }
    return null;
  }

  #choose({ now, health, heldUntil = 0, random }: Now & { random: number }): Candidate | null {
    if (isAskedToWait(health, now)) return null;
    let first: Candidate | null = null;
    const others: Candidate[] = [];
    for (const head of this.#heads(now)) {
      if (!this.#mayGo(head, { now, health })) continue;
      if (!head.partition.isHeadTried && heldUntil > now) continue;
      if (health.down !== null && probeKindOf(head.partition, health) === "retry") others.push(head);
      else if (first === null || head.sequence < first.sequence) first = head;
    }
    if (health.down === null) return first;
    if (first !== null) return { ...first, probe: "fresh" };
    const least = Math.min(...others.map(({ partition }) => partition.failures));
    const leastFailed = others.filter(({ partition }) => partition.failures === least);
    // A random one, and not always the oldest, whose event may be the only one that the receiver refuses.
    const one = leastFailed[Math.min(Math.floor(random * leastFailed.length), leastFailed.length - 1)];
    return one === undefined ? null : { ...one, probe: "retry" };
  }

  /** The heads that do not wait for a back-off of their own. */
  *#heads(now: number): Generator<Candidate> {
    for (const [key, partition] of this.#partitions.entries()) {
      const [sequence] = partition.queue;
      if (sequence === undefined || partition.inFlight > 0 || partition.notBefore > now) continue;
      yield { key, partition, sequence, probe: null };
    }
  }

  /**
   * Whether the receiver's health allows sending this head. The more attempts have failed in a row, the fewer waiting
   * deliveries are sent at once, so that a burst to a receiver that is down ends with its first failures. While it
   * counts as down, one probe of each kind is sent at a time.
   */
  #mayGo({ partition }: Candidate, { now, health }: Now): boolean {
    const kind = probeKindOf(partition, health);
    const { down } = health;
    if (down !== null) return down[kind].notBefore <= now && !this.#isProbed(kind, health);
    if (this.ordering === "strict" || kind === "fresh") return true;
    if (partition.failures > 0) return this.#retriesInFlight() < retriesAtOnceMax;
    return this.#underWay.size < Math.max(1, widthOf[this.ordering] - health.failures);
  }

  #retriesInFlight(): number {
    let count = 0;
    for (const { isRetry } of this.#underWay.values()) if (isRetry) count += 1;
    return count;
  }

  /** Whether a probe is under way that a probe of this kind must wait for. */
  #isProbed(kind: ProbeKind, { down }: ReceiverHealth): boolean {
    if (down === null) return false;
    const isShared = areProbesShared(down);
    for (const { probe } of this.#underWay.values()) {
      if (probe === kind || (isShared && probe !== null)) return true;
    }
    return false;
  }
}

/** A head that may be sent. */
type Candidate = { key: string; partition: Partition; sequence: number; probe: ProbeKind | null };

/**
 * @returns the kind of probe that a head would be. `fresh`: accepted since the latest failure, in a partition that has
 *   not failed.
 */
function probeKindOf({ queue: [head], failures }: Partition, health: ReceiverHealth): ProbeKind {
  return head !== undefined && failures === 0 && head > health.seenUpTo ? "fresh" : "retry";
}

function isAskedToWait({ asked }: ReceiverHealth, now: number): boolean {
  return asked !== null && asked.until > now;
}
