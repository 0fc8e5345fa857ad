/** How many deliveries a replay would have. */
import { laneOf } from "../lane/lane-of";
import { laneConfigOf } from "../lane/lane-configs";
import type { QueuedCount } from "../lane/replay-selection";
import type { ReplayRange } from "../lane/start-replay";
import type { Webhook } from "./webhooks";

export type ReplayCounts = Record<ReplayRange["kind"], QueuedCount | null>;

/**
 * Counts what each kind of replay would send of a time range, with bounded work; null where what is that old is no longer
 * kept.
 */
export async function countReplays(
  env: Env,
  webhook: Webhook,
  range: { since: number; until: number },
): Promise<ReplayCounts> {
  const lane = laneOf(env, webhook.uuid);
  // A lane that was never called does not know its webhook yet.
  await lane.configure(laneConfigOf(webhook));
  const countOf = async (kind: ReplayRange["kind"]): Promise<QueuedCount | null> => {
    const counted = await lane.countReplay({ kind, ...range });
    return counted.outcome === "counted" ? { queued: counted.queued, isExact: counted.isExact } : null;
  };
  const [dead, all, missing] = await Promise.all([countOf("dead"), countOf("all"), countOf("missing")]);
  return { dead, all, missing };
}
