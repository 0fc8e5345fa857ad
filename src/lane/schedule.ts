/**
 * What of a lane may be sent now. A lane's deliveries are divided into partitions: one in `strict` ordering, one per job,
 * project or type in `keyed`, each its own in `none`. Of each partition only the head may be under way, and while it waits
 * for a retry its partition waits with it. In memory, rebuilt from the outbox; pure: time and chance are arguments.
 */
import type { Ordering } from "./handover";
import type { PendingDelivery } from "./pending-deliveries";
import { areProbesShared, type ProbeKind, type ReceiverHealth } from "./receiver-health";

/** How many deliveries may be under way at once: a Worker has six connections, and one is the object's own. */
export const widthOf: Record<Ordering, number> = { strict: 1, keyed: 5, none: 5 };
/** Of those, how many partitions that have failed may use: the others are for those that have not. */
const retriesAtOnceMax = 3;
/** So many partitions that have not failed are looked at, until one of them is empty: a bound on memory. */
const untriedMax = 1000;
/** And so many in all: those whose head has failed must not hide others. */
const partitionsMax = 20_000;

/** The back-off of a partition whose head was given up: it holds for the next head, and its failures count on. */
export type Backoff = { notBefore: number; failures: number };

type Partition = {
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

type Flight = { key: string; isRetry: boolean; probe: ProbeKind | null };

/** A head that may go. `earlierFailures`: how many attempts of earlier heads failed in a row before it. */
export type ReadyDelivery = {
  sequence: number;
  partition: string;
  earlierFailures: number;
  probe: ProbeKind | null;
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

/**
 * What a question needs beside the schedule itself. `random` from 0 to 1. `heldUntil`: in `strict` ordering, a head that was
 * never tried waits until then for others to share its message, in ms; 0: it does not.
 */
export type Now = { now: number; health: ReceiverHealth; heldUntil?: number };

export class Schedule {
  readonly ordering: Ordering;
  readonly #partitions = new Map<string, Partition>();
  readonly #backoffs: Map<string, Backoff>;
  /** Of deliveries behind a head that were tried while another ordering held. */
  readonly #tried = new Map<number, Backoff>();
  readonly #flights: Map<number, Flight>;
  /** What a person wants sent now: no back-off holds it. */
  readonly #forced = new Set<number>();
  #scannedTo: number;

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
    this.ordering = start.ordering;
    this.#scannedTo = start.lowWater - 1;
    this.#backoffs = start.backoffs;
    this.#flights = new Map();
    if (start.before === undefined) return;
    const { schedule, orderingKeyOf } = start.before;
    for (const [sequence, flight] of schedule.#flights) {
      const key = this.#keyOf({ sequence, orderingKey: orderingKeyOf(sequence) });
      this.#flights.set(sequence, { ...flight, key });
      this.#partition(key).inFlight += 1;
    }
  }

  /** Everything up to this sequence has been looked at: what of it waits stands in a partition. */
  get scannedTo(): number {
    return this.#scannedTo;
  }

  /** Whether nothing waits, as far as it was looked at. */
  get isEmpty(): boolean {
    return this.#partitions.size === 0;
  }

  /** Whether no more partitions are taken in: then only what may show that a receiver is back is looked for (`addHead`). */
  get isFull(): boolean {
    if (this.#partitions.size < untriedMax) return false;
    let untried = 0;
    for (const { isHeadTried } of this.#partitions.values()) if (!isHeadTried) untried += 1;
    return untried >= untriedMax || this.#partitions.size >= partitionsMax;
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
    if (this.#partitions.has(this.#keyOf(pending))) return false;
    this.#append(pending);
    return true;
  }

  #append(pending: PendingDelivery): Partition {
    const partition = this.#partition(this.#keyOf(pending));
    const { sequence, nextAttemptAt, attempts } = pending;
    // A search that began anew finds again what is known.
    if (sequence <= (partition.queue.at(-1) ?? 0)) return partition;
    partition.queue.push(sequence);
    if (attempts > 0) this.#tried.set(sequence, { notBefore: nextAttemptAt ?? 0, failures: attempts });
    if (partition.queue.length === 1) this.#beginHead(partition);
    return partition;
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
    const partition = this.#partition(flight.key);
    partition.inFlight -= 1;
    this.#settle(flight.key, partition, sequence, landing);
    this.#dropEmpty(flight.key, partition);
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
    for (const partition of this.#partitions.values()) partition.notBefore = 0;
  }

  /** The same, and forgets all failures: the webhook was resumed. */
  makeAllDue(): void {
    this.release();
    this.#tried.clear();
    this.#backoffs.clear();
    for (const partition of this.#partitions.values()) {
      partition.earlierFailures = 0;
      partition.failures = 0;
    }
  }

  /** After a clock that went back: no wait is longer than it was meant to be. */
  shift(byMs: number): void {
    for (const partition of this.#partitions.values()) partition.notBefore -= byMs;
    for (const tried of this.#tried.values()) tried.notBefore -= byMs;
    for (const backoff of this.#backoffs.values()) backoff.notBefore -= byMs;
  }

  /** Takes out a delivery that must not go any more: its partition moves on when it is not under way. */
  remove(sequence: number): void {
    for (const [key, partition] of this.#partitions) {
      const index = partition.queue.indexOf(sequence);
      // What is under way leaves its partition when it lands.
      if (index < 0 || this.#flights.has(sequence)) continue;
      partition.queue.splice(index, 1);
      this.#tried.delete(sequence);
      this.#forced.delete(sequence);
      if (index === 0) {
        partition.notBefore = 0;
        this.#nextHead(partition, sequence);
      }
      this.#dropEmpty(key, partition);
      return;
    }
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
    let lowest = this.#scannedTo + 1;
    for (const { queue } of this.#partitions.values()) lowest = Math.min(lowest, queue[0] ?? lowest);
    return lowest;
  }

  /**
   * The sequence up to which all that waits was tried, or stands behind something of its partition that was: to be kept for
   * the next wake-up.
   */
  frontier(): number {
    let frontier = this.#scannedTo;
    for (const { queue, isHeadTried } of this.#partitions.values()) {
      const [head] = queue;
      if (head !== undefined && !isHeadTried) frontier = Math.min(frontier, head - 1);
    }
    return frontier;
  }

  /** The lowest sequence that may go next and was never tried, as far as nothing holds it. */
  nextUntried(): number {
    let next = this.#scannedTo + 1;
    for (const { queue, isHeadTried, notBefore } of this.#partitions.values()) {
      const [head] = queue;
      if (head !== undefined && !isHeadTried && notBefore === 0) next = Math.min(next, head);
    }
    return next;
  }

  /** When it makes sense to look for what waits, in ms: while the receiver is down, at its next probe. */
  #searchableAt({ asked, down }: ReceiverHealth): number {
    if (this.ordering === "strict") return this.#partitions.size === 0 ? 0 : Number.POSITIVE_INFINITY;
    if (this.isFull && down === null) return Number.POSITIVE_INFINITY;
    const { retry, fresh } = down ?? { retry: { notBefore: 0 }, fresh: { notBefore: 0 } };
    const probeAt = this.isFull ? fresh.notBefore : Math.min(retry.notBefore, fresh.notBefore);
    return Math.max(probeAt, asked?.until ?? 0);
  }

  #keyOf({ orderingKey, sequence }: { orderingKey: string; sequence: number }): string {
    if (this.ordering === "keyed") return orderingKey;
    return this.ordering === "strict" ? "" : String(sequence);
  }

  #partition(key: string): Partition {
    const present = this.#partitions.get(key);
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
    this.#partitions.set(key, partition);
    return partition;
  }

  #dropEmpty(key: string, { queue, inFlight }: Partition): void {
    if (queue.length === 0 && inFlight === 0) this.#partitions.delete(key);
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

  #forcedHead(): Candidate | null {
    for (const sequence of this.#forced) {
      for (const [key, partition] of this.#partitions) {
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
    for (const [key, partition] of this.#partitions) {
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
