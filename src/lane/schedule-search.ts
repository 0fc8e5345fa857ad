/**
 * Finds pending deliveries in a lane, and adds them to the lane's schedule. Each step scans a bounded number of rows.
 */
import type { Backoffs } from "./backoffs";
import type { Ordering } from "./handover";
import type { LaneRecord } from "./lane-record";
import type { Outbox } from "./outbox";
import { partitionsMax } from "./partitions";
import type { PendingDeliveries, PendingDelivery } from "./pending-deliveries";
import { Schedule } from "./schedule";

/** Up to this backlog, accepted deliveries are added to the schedule directly, without a read from disk. */
const scheduledMax = 1000;
/** The most deliveries of one step that a full schedule checks as the head of an additional partition. */
const freshCandidatesMax = 5;
/** The most rows between such a delivery and the scanned ones, because all rows between are read. */
const freshReachMax = 10_000;

/** The search of one lane, and its schedule. */
export class ScheduleSearch {
  readonly #backoffs: Backoffs;
  readonly #outbox: Outbox;
  readonly #pending: PendingDeliveries;
  readonly #record: () => Readonly<LaneRecord>;
  #schedule: Schedule;
  /** How far a full schedule was searched for deliveries that may show that the receiver is back. */
  #freshScannedTo = 0;

  /** @param parts.record gives the lane's current record. */
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

  /**
   * @param ordering of the webhook, which the schedule may not have yet. A delivery behind a failed one is then perhaps
   *   the head of a partition, so that the next wake-up must scan all rows.
   * @returns the frontier for the lane's record.
   */
  frontier(ordering: Ordering | undefined): number {
    const { schedule } = this;
    return schedule.ordering === ordering ? schedule.frontier() : schedule.lowWater() - 1;
  }

  /** Whether there may be pending deliveries that are not in the schedule yet. */
  get hasMore(): boolean {
    return this.#searchedTo < this.#outbox.lastSequence;
  }

  /**
   * The sequence number after which the search continues. A full schedule is searched only for deliveries since the
   * receiver's latest failure.
   */
  get #searchedTo(): number {
    const { scannedTo, isFull } = this.#schedule;
    return isFull ? Math.max(scannedTo, this.#freshScannedTo, this.#record().receiver.seenUpTo) : scannedTo;
  }

  /** Whether the search for a delivery that may be sent must continue. */
  isSearching(now: number): boolean {
    return this.hasMore && this.#schedule.wantsMore({ now, health: this.#record().receiver });
  }

  /**
   * Adds deliveries that were just accepted to the schedule, if it has all earlier ones and there is room.
   * @param lane.before the last sequence number before them. @param lane.backlog of the lane, including them.
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
   * Makes a pending delivery due now, if it is the head of its partition. If the search has not reached it, because the
   * receiver is down, the rows before it are read to find out.
   * @returns false when another delivery of its partition must be sent first.
   */
  makeDue(sequence: number): boolean {
    this.scanForReady(Date.now());
    if (this.#schedule.makeDue(sequence)) return true;
    const pending = sequence > this.#schedule.scannedTo ? this.#pending.load(sequence) : null;
    if (pending === null || this.#schedule.ordering === "strict") return false;
    return this.#addFirst(pending) && this.#schedule.makeDue(sequence);
  }

  /**
   * Adds a delivery after the scanned ones, if it is the head of its partition. Reads the rows before it to find out.
   */
  #addFirst(pending: PendingDelivery): boolean {
    const { scannedTo, ordering } = this.#schedule;
    const isBehindOthers =
      ordering !== "none" && this.#pending.existBetween(scannedTo, pending.sequence, pending.orderingKey);
    return !isBehindOthers && this.#schedule.addHead(pending);
  }

  /**
   * Failed deliveries are found by their index, two rows for each; the others are searched for from the frontier on. If
   * there are more failed ones than the schedule holds, the search continues after the last of them.
   */
  #wakeSchedule(): Schedule {
    const { lowWater, frontier } = this.#record();
    const failed = this.#pending.failedBetween(lowWater, frontier, partitionsMax);
    const foundTo = failed.length < partitionsMax ? frontier : (failed.at(-1)?.sequence ?? frontier);
    const schedule = this.#openSchedule({ lowWater: foundTo + 1 });
    schedule.addFailed(failed);
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
