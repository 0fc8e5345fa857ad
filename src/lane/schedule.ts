/**
 * What of a lane may be sent now. Of each partition only the head may be under way, and while it waits for a retry its
 * partition waits with it. Which heads may go at once depends on the receiver's health. In memory, rebuilt from the outbox;
 * pure: time and chance are arguments.
 */
import type { Ordering } from "./handover";
import { type Backoff, type Landing, type Partition, Partitions } from "./partitions";
import type { PendingDelivery } from "./pending-deliveries";
import { areProbesShared, type ProbeKind, type ReceiverHealth } from "./receiver-health";

/** How many deliveries may be under way at once: a Worker has six connections, and one is the object's own. */
export const widthOf: Record<Ordering, number> = { strict: 1, keyed: 5, none: 5 };
/** Of those, how many partitions that have failed may use: the others are for those that have not. */
const retriesAtOnceMax = 3;
type Flight = { key: string; isRetry: boolean; probe: ProbeKind | null };

/** A head that may go. `earlierFailures`: how many attempts of earlier heads failed in a row before it. */
export type ReadyDelivery = {
  sequence: number;
  partition: string;
  earlierFailures: number;
  probe: ProbeKind | null;
};

/**
 * What a question needs beside the schedule itself. `random` from 0 to 1. `heldUntil`: in `strict` ordering, a head that was
 * never tried waits until then for others to share its message, in ms; 0: it does not.
 */
export type Now = { now: number; health: ReceiverHealth; heldUntil?: number };

export class Schedule {
  readonly ordering: Ordering;
  readonly #partitions: Partitions;
  readonly #flights: Map<number, Flight>;
  /** What a person wants sent now: no back-off holds it. */
  readonly #forced = new Set<number>();

  /**
   * @param start.lowWater every delivery below is finished.
   * @param start.before the schedule of another ordering: what is under way in it stays under way. `orderingKeyOf` says
   *   in which partition of the new one.
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
    this.#flights = new Map();
    if (before === undefined) return;
    for (const [sequence, flight] of before.schedule.#flights) {
      const key = this.#partitions.keyOf({ sequence, orderingKey: before.orderingKeyOf(sequence) });
      this.#flights.set(sequence, { ...flight, key });
      this.#partitions.of(key).inFlight += 1;
    }
  }

  /** Everything up to this sequence has been looked at: what of it waits stands in a partition. */
  get scannedTo(): number {
    return this.#partitions.scannedTo;
  }

  /** Whether nothing waits, as far as it was looked at. */
  get isEmpty(): boolean {
    return this.#partitions.isEmpty;
  }

  /** Whether no more partitions are taken in: then only what may show that a receiver is back is looked for (`addHead`). */
  get isFull(): boolean {
    return this.#partitions.isFull;
  }

  get inFlight(): number {
    return this.#flights.size;
  }

  /** The head in `strict` ordering while it is neither tried nor under way; null for none. */
  get untriedHead(): number | null {
    const partition = this.ordering === "strict" ? this.#partitions.get("") : undefined;
    return partition === undefined || partition.isHeadTried || partition.inFlight > 0
      ? null
      : (partition.queue[0] ?? null);
  }

  /** Takes in what was found behind `scannedTo`, in order, up to and including `scannedTo`. */
  add(found: readonly PendingDelivery[], scannedTo: number): void {
    this.#partitions.add(found, scannedTo);
  }

  /** Takes in what failed and lies before `scannedTo`, in order. What waits behind it is looked for when its turn comes. */
  addFailed(found: readonly PendingDelivery[]): void {
    this.#partitions.addFailed(found);
  }

  /**
   * Takes in one that lies behind `scannedTo` and is the first of its partition there. A later look passes over it.
   * @returns false where the partition has a head already.
   */
  addHead(pending: PendingDelivery): boolean {
    return this.#partitions.addHead(pending);
  }

  /** Whether to look further: nothing that was found may go, and there is room for other partitions. */
  wantsMore({ now, health }: Now): boolean {
    if (this.#searchableAt(health) > now) return false;
    for (const head of this.#heads(now)) if (this.#mayGo(head, { now, health })) return false;
    return true;
  }

  /** Takes a head that may go, and marks its partition as under way; null when none may. */
  take({ random, ...rest }: Now & { random: number }): ReadyDelivery | null {
    if (this.#flights.size >= widthOf[this.ordering]) return null;
    const found = this.#forcedHead() ?? this.#choose({ ...rest, random });
    if (found === null) return null;
    const { key, partition, sequence, probe } = found;
    partition.inFlight += 1;
    this.#forced.delete(sequence);
    this.#flights.set(sequence, { key, isRetry: partition.failures > 0, probe });
    return { sequence, partition: key, earlierFailures: partition.earlierFailures, probe };
  }

  /** Whether an older one may be tried to find out whether a receiver that is down is back. */
  mayProbe({ now, health }: Now): boolean {
    if (isAskedToWait(health, now)) return false;
    return health.down === null || (health.down.retry.notBefore <= now && !this.#isProbed("retry", health));
  }

  /** What `take` gave has landed. */
  land(sequence: number, landing: Landing): void {
    const flight = this.#flights.get(sequence);
    if (flight === undefined) return;
    this.#flights.delete(sequence);
    this.#partitions.settle(flight.key, sequence, landing);
  }

  /** Lets a waiting head go now. @returns whether this delivery is the head of a partition. */
  makeDue(sequence: number): boolean {
    for (const { queue, inFlight } of this.#partitions.values()) {
      if (queue[0] !== sequence) continue;
      if (inFlight === 0) this.#forced.add(sequence);
      return true;
    }
    return false;
  }

  /** Lets every partition go now: the receiver is back. What fails again waits as long as before. */
  release(): void {
    this.#partitions.release();
  }

  /** The same, and forgets all failures: the webhook was resumed. */
  makeAllDue(): void {
    this.#partitions.makeAllDue();
  }

  /** After a clock that went back: no wait is longer than it was meant to be. */
  shift(byMs: number): void {
    this.#partitions.shift(byMs);
  }

  /** Takes out a delivery that must not go any more. One that is under way leaves its partition when it lands. */
  remove(sequence: number): void {
    if (this.#flights.has(sequence)) return;
    this.#forced.delete(sequence);
    this.#partitions.remove(sequence);
  }

  /**
   * When something may go next, in ms (long past: at once, or when there is room); null when nothing waits that is not
   * under way.
   * @param hasMore whether deliveries wait that were not looked at.
   */
  nextAt({ now, health, heldUntil = 0 }: Now, hasMore: boolean): number | null {
    if (hasMore && this.wantsMore({ now, health })) return 0;
    // Also where other partitions are known: what was not looked at may be fresh, and go before all of them.
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

  /** The lowest sequence that is not known to be finished. */
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

  /** When it makes sense to look for what waits, in ms: while the receiver is down, at its next probe. */
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
    // Not always the oldest: its own event may be what the receiver refuses.
    const one = leastFailed[Math.min(Math.floor(random * leastFailed.length), leastFailed.length - 1)];
    return one === undefined ? null : { ...one, probe: "retry" };
  }

  /** The heads that no back-off of their own holds. */
  *#heads(now: number): Generator<Candidate> {
    for (const [key, partition] of this.#partitions.entries()) {
      const [sequence] = partition.queue;
      if (sequence === undefined || partition.inFlight > 0 || partition.notBefore > now) continue;
      yield { key, partition, sequence, probe: null };
    }
  }

  /**
   * Whether what is known of the receiver lets this head go. The more attempts failed in a row, the fewer go at once of
   * those that waited already: a burst to a receiver that is down ends with its first failures. While it counts as down,
   * one of each kind goes at a time.
   */
  #mayGo({ partition }: Candidate, { now, health }: Now): boolean {
    const kind = probeKindOf(partition, health);
    const { down } = health;
    if (down !== null) return down[kind].notBefore <= now && !this.#isProbed(kind, health);
    if (this.ordering === "strict" || kind === "fresh") return true;
    if (partition.failures > 0) return this.#retriesInFlight() < retriesAtOnceMax;
    return this.#flights.size < Math.max(1, widthOf[this.ordering] - health.failures);
  }

  #retriesInFlight(): number {
    let count = 0;
    for (const { isRetry } of this.#flights.values()) if (isRetry) count += 1;
    return count;
  }

  /** Whether a probe is under way that another one of this kind would wait for. */
  #isProbed(kind: ProbeKind, { down }: ReceiverHealth): boolean {
    if (down === null) return false;
    const isShared = areProbesShared(down);
    for (const { probe } of this.#flights.values()) {
      if (probe === kind || (isShared && probe !== null)) return true;
    }
    return false;
  }
}

type Candidate = { key: string; partition: Partition; sequence: number; probe: ProbeKind | null };

/** `fresh`: accepted since the latest failure, in a partition that has not failed. */
function probeKindOf({ queue: [head], failures }: Partition, health: ReceiverHealth): ProbeKind {
  return head !== undefined && failures === 0 && head > health.seenUpTo ? "fresh" : "retry";
}

function isAskedToWait({ asked }: ReceiverHealth, now: number): boolean {
  return asked !== null && asked.until > now;
}
