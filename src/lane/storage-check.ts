/**
 * Whether a lane's storage takes writes. An attempt whose result cannot be recorded would be made again and again, so that
 * nothing is sent before storage has taken a write since the object was started.
 */
import { log } from "../platform/log";
import type { LaneStorage } from "./lane-storage";

/** How long the lane waits after its storage refused a write. */
const refusedPauseMs = 2000;

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

  /** Whether storage takes a write: asked once. The platform holds an attempt back until what was written is on disk. */
  passes(storage: LaneStorage): boolean {
    if (this.#isWritable) return true;
    try {
      storage.rewrite();
      this.noteWritten();
    } catch (error) {
      this.#blockedUntil = Date.now() + refusedPauseMs;
      log("error", "storage takes no writes", {
        webhook: storage.record.config?.webhook.uuid,
        error: String(error),
      });
    }
    return this.#isWritable;
  }
}
