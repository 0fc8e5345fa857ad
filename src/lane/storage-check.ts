/**
 * Whether a lane's storage takes writes. An attempt whose result cannot be recorded would be made again and again. So
 * nothing is sent before storage has taken a write since the object was started; and after a result did not reach the disk,
 * each attempt is preceded by a write as large as a result, until one has.
 */
import { log } from "../platform/log";
import type { LaneStorage } from "./lane-storage";

/** How long the lane waits after its storage refused a write. */
const refusedPauseMs = 2000;
/** What was written is on disk long before, unless the write failed. */
const committedWithinMs = 5000;
/** How many lanes are named at most: each is called. */
const failedMax = 1000;

/**
 * The webhooks whose lane wrote what is not known to be on disk, by uuid, and since when, in ms. In the module: a write
 * that fails ends the lane's object, often when its transaction is committed and no code of the lane can see it. The object
 * that takes its place in the same process finds its webhook here, and a full disk cannot be told of it.
 */
const unconfirmed = new Map<string, number>();

/** The webhooks whose lane ended with a write that failed and has not been open since, by uuid. */
export function lanesWithFailedWrites(now: number): string[] {
  const failed: string[] = [];
  for (const [uuid, since] of unconfirmed) {
    // The clock may have gone back.
    if (Math.abs(now - since) > committedWithinMs && failed.length < failedMax) failed.push(uuid);
  }
  return failed;
}

/** Forgets a lane that holds nothing any more, because its webhook was deleted. */
export function forgetFailedWrites(uuid: string): void {
  unconfirmed.delete(uuid);
}

/** Forgets all of them: each test begins without those of the one before. */
export function forgetAllFailedWrites(): void {
  unconfirmed.clear();
}

export class StorageCheck {
  /** Whether a write of the object before this one did not reach the disk, and no result has since. Null: not looked up yet. */
  #isDoubted: boolean | null = null;
  /** What was written last and is not known to be on disk. */
  #written: "check" | "result" | null = null;
  #isWritable = false;
  #blockedUntil = 0;

  /** Whether something was written that is not known to be on disk: `noteOnDisk` must follow. */
  get isUnconfirmed(): boolean {
    return this.#written !== null;
  }

  /** Whether storage refused the last write: nothing is sent until it takes one. */
  get isBlocked(): boolean {
    return this.#blockedUntil > 0;
  }

  /** When storage may be asked again, in ms; 0 while nothing speaks against it. */
  get blockedUntil(): number {
    return this.#blockedUntil;
  }

  /** The object is open after a write that failed: what it sends next is preceded by a large write. */
  noteAwake(storage: LaneStorage): void {
    this.#lookUp(storage);
    if (this.#written === null) unconfirmed.delete(uuidOf(storage));
  }

  /** Storage has taken a write. */
  noteWritten(): void {
    this.#isWritable = true;
    this.#blockedUntil = 0;
  }

  /** Lets storage be asked again, before the pause after a refused write is over. */
  tryAgain(): void {
    this.#blockedUntil = 0;
  }

  /** No pause ends later than it was meant to. @param now in ms. */
  clockWentBack(now: number): void {
    this.#blockedUntil = Math.min(this.#blockedUntil, now);
  }

  /** Something small is about to be written. */
  noteWriting(storage: LaneStorage): void {
    this.#noteWriting(storage, "check");
  }

  /** A result is about to be recorded. */
  noteRecording(storage: LaneStorage): void {
    this.#noteWriting(storage, "result");
  }

  /** All that was written until now is on disk. */
  noteOnDisk(storage: LaneStorage): void {
    if (this.#written === null) return;
    if (this.#written === "result") this.#isDoubted = false;
    this.#written = null;
    unconfirmed.delete(uuidOf(storage));
  }

  /** Whether storage takes a write. The platform holds an attempt back until what was written is on disk. */
  passes(storage: LaneStorage): boolean {
    const isDoubted = this.#lookUp(storage);
    if (this.#isWritable && !isDoubted) return true;
    this.#noteWriting(storage, "check");
    try {
      storage.rewrite();
      if (isDoubted) storage.tryLargeWrite();
      this.noteWritten();
    } catch (error) {
      this.#isWritable = false;
      this.#blockedUntil = Date.now() + refusedPauseMs;
      log("error", "storage takes no writes", {
        webhook: storage.record.config?.webhook.uuid,
        error: String(error),
      });
    }
    return this.#isWritable;
  }

  #lookUp(storage: LaneStorage): boolean {
    this.#isDoubted ??= unconfirmed.has(uuidOf(storage));
    return this.#isDoubted;
  }

  #noteWriting(storage: LaneStorage, what: "check" | "result"): void {
    this.#lookUp(storage);
    const uuid = uuidOf(storage);
    if (!unconfirmed.has(uuid)) unconfirmed.set(uuid, Date.now());
    if (this.#written !== "result") this.#written = what;
  }
}

function uuidOf({ record }: LaneStorage): string {
  return record.config?.webhook.uuid ?? "";
}
