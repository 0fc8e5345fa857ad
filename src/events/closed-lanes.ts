/** Lanes that refuse events because they are closed: right for a deleted webhook, and a fault for any other. */
import { log } from "../platform/log";
import { repeatTransient } from "../platform/repeat-transient";
import { withTimeout } from "../platform/timeouts";
import type { LaneBatch } from "./hand-over";

/** The timeout of the query. */
const queryMs = 2000;

/**
 * Asks D1 which webhooks of closed lanes exist. That is so after D1 was restored to a moment before a deletion: the events must
 * wait, so that the hand-over sets them aside visibly. Events for webhooks that were deleted while they were published are
 * dropped silently. Does not throw.
 * @param laneBatches of lanes that are closed as deleted: without any, D1 is not queried.
 * @returns the batches of webhooks that exist; all of them when D1 cannot be reached.
 */
export async function withoutDeleted(env: Env, laneBatches: readonly LaneBatch[]): Promise<LaneBatch[]> {
  if (laneBatches.length === 0) return [];
  const ids = JSON.stringify(laneBatches.map(({ webhook }) => webhook.id));
  try {
    const { results } = await withTimeout(
      repeatTransient(() => env.DB.prepare(existing).bind(ids).all<{ id: number }>()),
      queryMs,
    );
    const found = new Set(results.map(({ id }) => id));
    const kept = laneBatches.filter(({ webhook }) => found.has(webhook.id));
    for (const { webhook } of kept)
      log("error", "a lane is closed as deleted, but its webhook exists", { webhook: webhook.uuid });
    return kept;
  } catch (error) {
    log("warn", "webhooks of closed lanes not looked up", { error: String(error) });
    return [...laneBatches];
  }
}

/** SQL: those of some webhooks that are not deleted. */
const existing =
  "SELECT id FROM webhooks WHERE deleted_at IS NULL AND id IN (SELECT value FROM json_each(?))";
