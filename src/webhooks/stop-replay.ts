/** The end of a replay. */
import { laneOf } from "../lane/lane-of";
import { audit } from "../db/audit";
import type { ReplayProgress } from "../lane/replay-progress";
import type { ReplayStopped } from "../lane/stop-replay";
import type { Operation } from "./operation";
import type { Webhook } from "./webhooks";

/**
 * Stops a replay: what it has not sent is not sent. One that is done stays as it is.
 * @param id the replay's uuid, in lower case.
 * @returns null when there is no such replay (any more).
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
