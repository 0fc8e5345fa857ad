/** Finding what waits in a lane, and taking it into the lane's schedule: a bounded number of rows at a time. */
import type { Backoffs } from "./backoffs";
import type { LaneRecord } from "./lane-record";
import type { Outbox } from "./outbox";
import type { PendingDeliveries, PendingDelivery } from "./pending-deliveries";
import { Schedule } from "./schedule";

/** How many deliveries that failed a lane that wakes reads: each is two rows. */
const failedMax = 1000;
/** Up to this backlog, accepted deliveries go straight into the schedule, without a read from disk. */
const scheduledMax = 1000;
/** So many deliveries of one look are tried as the head of a partition that a full schedule takes in all the same. */
const freshCandidatesMax = 5;
/** And only those so few rows behind what was looked at: all between are read. */
const freshReachMax = 10_000;

export class ScheduleSearch {
  readonly #backoffs: Backoffs;
  readonly #outbox: Outbox;
  readonly #pending: PendingDeliveries;
  readonly #record: () => Readonly<LaneRecord>;
  #schedule: Schedule;
  /** How far a full schedule has looked for what may show that the receiver is back. */
  #freshScannedTo = 0;

  /** @param parts.record the lane's, as it is now. */
  constructor(parts: {
    backoffs: Backoffs;
    outbox: Outbox;
    pending: PendingDeliveries;
    record: () => Readonly<LaneRecord>;
  }) {
    this.#backoffs = parts.backoffs;
    this.#outbox = parts.outbox;
    this.#pending = parts.pending;
    this.#record = parts.record;
    this.#schedule = this.#wakeSchedule();
  }

  get schedule(): Schedule {
    return this.#schedule;
  }

  /** Rebuilds the schedule after a change of the ordering. Attempts under way are kept, and recorded as before. */
  reschedule(): void {
    const before = this.#schedule;
    this.#schedule = this.#openSchedule({ lowWater: before.lowWater(), before });
  }

  /** Whether pending deliveries exist that are not in the schedule yet. */
  get hasMore(): boolean {
    return this.#searchedTo < this.#outbox.lastSequence;
  }

  /** The sequence behind which a search goes on: of a full schedule, one for what came since the receiver's latest failure. */
  get #searchedTo(): number {
    const { scannedTo, isFull } = this.#schedule;
    return isFull ? Math.max(scannedTo, this.#freshScannedTo, this.#record().receiver.seenUpTo) : scannedTo;
  }

  /** Whether the search for something that may go is not over: it looks at a bounded number of rows at a time. */
  isSearching(now: number): boolean {
    return this.hasMore && this.#schedule.wantsMore({ now, health: this.#record().receiver });
  }

  /**
   * Adds what was just accepted to the schedule, if all before it is in it and there is room.
   * @param lane.before the last sequence before it. `backlog`: of the lane, with it.
   */
  addAccepted(
    accepted: readonly PendingDelivery[],
    { before, backlog }: { before: number; backlog: number },
  ): void {
    if (this.#schedule.scannedTo !== before || backlog > scheduledMax) return;
    this.#schedule.add(accepted, this.#outbox.lastSequence);
  }

  /** Scans a bounded number of rows for deliveries that may be sent, if the schedule has none. */
  scanForReady(now: number): void {
    if (!this.isSearching(now)) return;
    const { found, scannedTo } = this.#pending.after(this.#searchedTo, this.#outbox.lastSequence);
    if (!this.#schedule.isFull) return this.#schedule.add(found, scannedTo);
    this.#freshScannedTo = scannedTo;
    const { scannedTo: from, ordering } = this.#schedule;
    found
      .slice(0, freshCandidatesMax)
      .filter(({ sequence }) => ordering === "none" || sequence - from <= freshReachMax)
      .some((pending) => this.#addFirst(pending));
  }

  /**
   * Lets a waiting delivery go now. Where nobody has looked as far as it is, since the receiver is down, the rows before it
   * tell whether it is the head of its partition.
   * @returns false where another one of its partition is tried first.
   */
  makeDue(sequence: number): boolean {
    this.scanForReady(Date.now());
    if (this.#schedule.makeDue(sequence)) return true;
    const pending = sequence > this.#schedule.scannedTo ? this.#pending.load(sequence) : null;
    if (pending === null || this.#schedule.ordering === "strict") return false;
    return this.#addFirst(pending) && this.#schedule.makeDue(sequence);
  }

  /** Adds a delivery behind what was looked at, if it is the head of its partition: the rows before it tell. */
  #addFirst(pending: PendingDelivery): boolean {
    const { scannedTo, ordering } = this.#schedule;
    const isBehindOthers =
      ordering !== "none" && this.#pending.existBetween(scannedTo, pending.sequence, pending.orderingKey);
    return !isBehindOthers && this.#schedule.addHead(pending);
  }

  /** What failed is found by its index; the rest is looked for from the frontier on. */
  #wakeSchedule(): Schedule {
    const { lowWater, frontier } = this.#record();
    const failed = this.#pending.failedBetween(lowWater, frontier, failedMax);
    // More than are looked at: the rest is looked for among the rows, as if there were no index.
    const isAll = failed.length < failedMax;
    const schedule = this.#openSchedule({ lowWater: isAll ? frontier + 1 : lowWater });
    if (isAll) schedule.addFailed(failed);
    return schedule;
  }

  #openSchedule({ lowWater, before }: { lowWater: number; before?: Schedule }): Schedule {
    return new Schedule({
      ordering: this.#record().config?.ordering ?? "strict",
      lowWater,
      backoffs: this.#backoffs.read(Date.now()),
      ...(before && {
        before: {
          schedule: before,
          orderingKeyOf: (sequence) => this.#pending.load(sequence)?.orderingKey ?? "",
        },
      }),
    });
  }
}
