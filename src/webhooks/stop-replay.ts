/** Stops a replay. */
import { laneOf } from "../lane/lane-of";
import { audit } from "../db/audit";
import type { ReplayProgress } from "../lane/replay-progress";
import type { ReplayStopped } from "../lane/stop-replay";
import type { Operation } from "./operation";
import type { Webhook } from "./webhooks";

/**
 * Stops a replay, and audits it. Its deliveries that have not been sent are not sent. Stopping a finished replay
 * changes nothing.
 * @param id the replay's uuid, in lower case.
 * @returns the replay's progress; null when the replay does not exist or is no longer kept.
 */
export async function stopReplay(
  { env, actor }: Operation,
  webhook: Webhook,
  id: string,
): Promise<ReplayProgress | null> {
  const stopped: ReplayStopped | null = await laneOf(env, webhook.uuid).stopReplay(id);
  if (stopped?.isNew === true) {
    await audit(env, actor, { action: "replay.stopped", target: webhook.uuid, detail: id });
  }
  return stopped?.progress ?? null;
}
