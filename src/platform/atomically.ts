/** Writes of Durable Objects that succeed or leave nothing behind, in memory as on disk. */
import { log } from "./log";

/**
 * Runs `work` as one transaction.
 * @returns its result. @throws what it throws: then the object starts again from its disk (`orRestart`).
 */
export function atomically<Result>(ctx: DurableObjectState, work: () => Result): Result {
  return orRestart(ctx, () => ctx.storage.transactionSync(work));
}

/**
 * Runs `work`, which is one statement or one transaction. If it fails, the object is aborted and starts again, because its
 * memory may have changes that were undone on disk.
 * @returns its result. @throws what `work` throws.
 */
export function orRestart<Result>(ctx: DurableObjectState, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    log("error", "a transaction failed: the object starts again from its disk", {
      object: ctx.id.name,
      error: String(error),
    });
    ctx.abort(String(error));
    throw error;
  }
}
