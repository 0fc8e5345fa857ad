/** Counts the deliveries that a replay would have. */
import { laneOf } from "../lane/lane-of";
import { laneConfigOf } from "../lane/lane-configs";
import type { QueuedCount } from "../lane/replay-selection";
import type { ReplayRange } from "../lane/start-replay";
import type { Webhook } from "./webhooks";

/** A count for each kind of replay; null when it cannot be counted. */
export type ReplayCounts = Record<ReplayRange["kind"], QueuedCount | null>;

/**
 * Counts the deliveries that each kind of replay would send. The work is bounded, so that a count may be a lower limit
 * (`isExact`). @param range times in ms. @returns null for a kind when the deliveries or events of that time are no
 * longer kept.
 */
export async function countReplays(
  env: Env,
  webhook: Webhook,
  range: { since: number; until: number },
): Promise<ReplayCounts> {
  const lane = laneOf(env, webhook.uuid);
  // A lane that was never called has no configuration yet.
  await lane.configure(laneConfigOf(webhook));
  const countOf = async (kind: ReplayRange["kind"]): Promise<QueuedCount | null> => {
    const counted = await lane.countReplay({ kind, ...range });
    return counted.outcome === "counted" ? { queued: counted.queued, isExact: counted.isExact } : null;
  };
  const [dead, all, missing] = await Promise.all([countOf("dead"), countOf("all"), countOf("missing")]);
  return { dead, all, missing };
}
