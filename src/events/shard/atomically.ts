/** Transactions of an event shard. */
import { log } from "../../platform/log";

/**
 * Runs `work` as one transaction. If it fails, the object is aborted and starts again from its disk, because what was undone
 * there is still in memory. @throws what `work` throws.
 */
export function atomically<Result>(ctx: DurableObjectState, work: () => Result): Result {
  try {
    return ctx.storage.transactionSync(work);
  } catch (error) {
    log("error", "a transaction failed: the shard starts again from its disk", {
      shard: ctx.id.name,
      error: String(error),
    });
    ctx.abort(String(error));
    throw error;
  }
}
