/** Starts a replay. */
import { audit } from "../db/audit";
import { laneConfigOf } from "../lane/lane-configs";
import type { ReplayRequest, ReplayStarted } from "../lane/start-replay";
import type { Operation } from "./operation";
import type { Webhook } from "./webhooks";
import { laneOf } from "../lane/lane-of";

/**
 * Starts a replay in the webhook's lane, and audits it. A replay with the id of an earlier one is not started again.
 * @returns the replay's progress, or why it was not started.
 */
export async function startReplay(
  { env, actor }: Operation,
  webhook: Webhook,
  request: ReplayRequest,
): Promise<ReplayStarted> {
  const lane = laneOf(env, webhook.uuid);
  // A lane that was never called has no configuration yet.
  await lane.configure(laneConfigOf(webhook));
  const started: ReplayStarted = await lane.replay(request);
  if (started.outcome === "started" && started.isNew) {
    await audit(env, actor, { action: "replay.started", target: webhook.uuid, detail: started.id });
  }
  return started;
}
