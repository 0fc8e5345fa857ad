/**
 * Whether a lane's storage takes writes. An attempt whose result cannot be recorded would be made again and again. So
 * nothing is sent before storage has taken a write since the object was started; and after a result could not be recorded,
 * each attempt is preceded by a write as large as a result, until one is recorded.
 */
import { log } from "../platform/log";
import type { LaneStorage } from "./lane-storage";

/** How long the lane waits after its storage refused a write. */
const refusedPauseMs = 2000;

/**
 * The webhooks whose lane could not record a result, by uuid. In the module, since the lane's object ends with such a
 * failure and starts again in the same process: a full disk cannot be told of it.
 */
const unrecorded = new Set<string>();

export class StorageCheck {
  #isWritable = false;
  #blockedUntil = 0;

  /** Whether storage refused the last write: nothing is sent until it takes one. */
  get isBlocked(): boolean {
    return this.#blockedUntil > 0;
  }

  /** When storage may be asked again, in ms; 0 while nothing speaks against it. */
  get blockedUntil(): number {
    return this.#blockedUntil;
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

  /** A result could not be recorded. */
  noteUnrecorded(storage: LaneStorage): void {
    unrecorded.add(uuidOf(storage));
  }

  /** A result was recorded. */
  noteRecorded(storage: LaneStorage): void {
    unrecorded.delete(uuidOf(storage));
  }

  /** Whether storage takes a write. The platform holds an attempt back until what was written is on disk. */
  passes(storage: LaneStorage): boolean {
    const isDoubted = unrecorded.has(uuidOf(storage));
    if (this.#isWritable && !isDoubted) return true;
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
}

function uuidOf({ record }: LaneStorage): string {
  return record.config?.webhook.uuid ?? "";
}
