/**
 * Checks whether writes to a lane's storage succeed. An attempt whose result cannot be recorded would be repeated again
 * and again. Therefore, no attempt is made before a write has succeeded since the object started. After a result did
 * not reach the disk, a write as large as a result precedes each attempt, until a result has reached it.
 */
import { log } from "../platform/log";
import type { LaneStorage } from "./lane-storage";

/** How long the lane waits after a failed write. */
const refusedPauseMs = 2000;
/** A write that has not been confirmed after this time has failed. */
const committedWithinMs = 5000;
/** The most lanes that are returned, because each is called. */
const failedMax = 1000;

/**
 * The webhooks whose lane has unconfirmed writes, by uuid, with the time of the first one in ms. It is in module state,
 * because a failed write ends the lane's object, often at the commit, where the lane's code cannot notice it, and a
 * full disk cannot store it. The next object in the same process finds its webhook here.
 */
const unconfirmed = new Map<string, number>();

/** @returns the uuids of webhooks whose lane ended with a failed write and has not been opened since. */
export function lanesWithFailedWrites(now: number): string[] {
  const failed: string[] = [];
  for (const [uuid, since] of unconfirmed) {
    // The clock may have gone back.
    if (Math.abs(now - since) > committedWithinMs && failed.length < failedMax) failed.push(uuid);
  }
  return failed;
}

/** Forgets a lane whose webhook was deleted. */
export function forgetFailedWrites(uuid: string): void {
  unconfirmed.delete(uuid);
}

/** Forgets all of them, so that a test does not depend on the tests before it. */
export function forgetAllFailedWrites(): void {
  unconfirmed.clear();
}

/** The check of one lane. */
export class StorageCheck {
  /**
   * Whether a write of the previous object did not reach the disk, and no result has since. Null: not looked up yet.
   */
  #isDoubted: boolean | null = null;
  /** The kind of the latest unconfirmed write. */
  #written: "check" | "result" | null = null;
  #isWritable = false;
  #blockedUntil = 0;

  /** Whether a write is not confirmed to be on disk: `noteOnDisk` must follow. */
  get isUnconfirmed(): boolean {
    return this.#written !== null;
  }

  /** Whether the last write failed: no attempt is made until a write succeeds. */
  get isBlocked(): boolean {
    return this.#blockedUntil > 0;
  }

  /** When the next write may be tried, in ms; 0: at any time. */
  get blockedUntil(): number {
    return this.#blockedUntil;
  }

  /** Notes that the object is open after a failed write: a large write then precedes its next attempt. */
  noteAwake(storage: LaneStorage): void {
    this.#lookUp(storage);
    if (this.#written === null) unconfirmed.delete(uuidOf(storage));
  }

  /** Notes that a write succeeded. */
  noteWritten(): void {
    this.#isWritable = true;
    this.#blockedUntil = 0;
  }

  /** Allows a write before the pause after a failed write is over. */
  tryAgain(): void {
    this.#blockedUntil = 0;
  }

  /** Shortens the pause after the clock was set back. @param now in ms. */
  clockWentBack(now: number): void {
    this.#blockedUntil = Math.min(this.#blockedUntil, now);
  }

  /** Notes that a small write follows. */
  noteWriting(storage: LaneStorage): void {
    this.#noteWriting(storage, "check");
  }

  /** Notes that a result is written next. */
  noteRecording(storage: LaneStorage): void {
    this.#noteWriting(storage, "result");
  }

  /** Notes that all writes so far are on disk. */
  noteOnDisk(storage: LaneStorage): void {
    if (this.#written === null) return;
    if (this.#written === "result") this.#isDoubted = false;
    this.#written = null;
    unconfirmed.delete(uuidOf(storage));
  }

  /**
   * Tries a write if necessary. @returns whether writes succeed. The platform delays an attempt until earlier writes
   * are on disk.
   */
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
