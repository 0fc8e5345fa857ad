/** When a lane's replays have their turn: one delivery at a time, beside what is live. In memory. */
import type { LaneStorage } from "./lane-storage";
import type { ReplayHead } from "./replays";

/** While live deliveries wait, one attempt in so many is a replay's. */
const replayEvery = 10;

export class ReplayTurns {
  /** `sequence`: null while a page of events is fetched. */
  #underWay: { sequence: number | null } | null = null;
  #liveSince = 0;

  get isUnderWay(): boolean {
    return this.#underWay !== null;
  }

  /** The delivery that is under way, or null. */
  get sequence(): number | null {
    return this.#underWay?.sequence ?? null;
  }

  /** A live attempt is begun. */
  noteLive(): void {
    this.#liveSince += 1;
  }

  /** What comes next in the replays is begun. */
  begin(head: ReplayHead): void {
    this.#underWay = { sequence: head.kind === "send" ? head.sequence : null };
    this.#liveSince = 0;
  }

  /** It has ended. */
  end(): void {
    this.#underWay = null;
  }

  /** Whether what is due of the replays goes before live deliveries. */
  isBeforeLive({ record }: LaneStorage): boolean {
    return this.#liveSince >= replayEvery - 1 && record.receiver.down === null;
  }

  /** The head of the replays, if it may go. */
  due(storage: LaneStorage, now: number): ReplayHead | null {
    const at = this.nextAt(storage, now);
    const head = storage.replays.head(now);
    if (at === null || at > now || head === null) return null;
    if (isAskedForNow(head)) return head;
    const { receiver } = storage.record;
    // A person who starts a replay probably knows that the receiver is back: its first attempt is a probe at once.
    const health = head.isFirst ? { ...receiver, down: null } : receiver;
    return storage.schedule.mayProbe({ now, health }) ? head : null;
  }

  /** When the head of the replays may go, in ms; null when there is none, or one is under way. */
  nextAt(storage: LaneStorage, now: number): number | null {
    const head = this.isUnderWay ? null : storage.replays.head(now);
    if (head === null || isAskedForNow(head)) return head?.nextAttemptAt ?? null;
    const { down, asked } = storage.record.receiver;
    const probeAt = head.isFirst ? 0 : (down?.retry.notBefore ?? 0);
    return Math.max(head.nextAttemptAt, probeAt, asked?.until ?? 0);
  }
}

/** A single delivery that a person wants sent again is tried at once, whatever is known of the receiver. */
function isAskedForNow(head: ReplayHead): boolean {
  return head.kind === "fetch" || (head.replay === null && head.attempts === 0);
}
