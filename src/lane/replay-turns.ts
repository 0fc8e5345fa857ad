/** Decides when a lane sends a delivery of its replays: one at a time, beside live deliveries. In memory. */
import type { LaneStorage } from "./lane-storage";
import type { ReplayHead } from "./replays";

/** While live deliveries are due, one attempt in this many is for replays. */
const replayEvery = 10;

/** The turns of one lane's replays. */
export class ReplayTurns {
  /** `sequence`: null while a page of events is fetched. */
  #underWay: { sequence: number | null } | null = null;
  #liveSince = 0;

  get isUnderWay(): boolean {
    return this.#underWay !== null;
  }

  /** The sequence number of the replayed delivery that is being sent, or null. */
  get sequence(): number | null {
    return this.#underWay?.sequence ?? null;
  }

  /** Notes the start of a live attempt. */
  noteLive(): void {
    this.#liveSince += 1;
  }

  /** Notes the start of the replays' head. */
  begin(head: ReplayHead): void {
    this.#underWay = { sequence: head.kind === "send" ? head.sequence : null };
    this.#liveSince = 0;
  }

  /** Notes the end of it. */
  end(): void {
    this.#underWay = null;
  }

  /** Whether the head of the replays is sent before live deliveries. */
  isBeforeLive({ record }: LaneStorage): boolean {
    return this.#liveSince >= replayEvery - 1 && record.receiver.down === null;
  }

  /** @returns the head of the replays if it may be sent now, or null. */
  due(storage: LaneStorage, now: number): ReplayHead | null {
    const at = this.nextAt(storage, now);
    const head = storage.replays.head(now);
    if (at === null || at > now || head === null) return null;
    if (isAskedForNow(head)) return head;
    const { receiver } = storage.record;
    // A person who starts a replay probably knows that the receiver is back, so that its first attempt is sent at once,
    // as a probe.
    const health = head.isFirst ? { ...receiver, down: null } : receiver;
    return storage.schedule.mayProbe({ now, health }) ? head : null;
  }

  /** @returns when the head of the replays may be sent, in ms; null when there is none, or it is under way. */
  nextAt(storage: LaneStorage, now: number): number | null {
    const head = this.isUnderWay ? null : storage.replays.head(now);
    if (head === null || isAskedForNow(head)) return head?.nextAttemptAt ?? null;
    const { down, asked } = storage.record.receiver;
    const probeAt = head.isFirst ? 0 : (down?.retry.notBefore ?? 0);
    return Math.max(head.nextAttemptAt, probeAt, asked?.until ?? 0);
  }
}

/**
 * Whether the head is sent at once, in spite of the receiver's health: a single delivery that a person resends, or a
 * page to fetch.
 */
function isAskedForNow(head: ReplayHead): boolean {
  return head.kind === "fetch" || (head.replay === null && head.attempts === 0);
}
