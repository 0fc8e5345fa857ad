/** The start of a replay. */
import { audit } from "../db/audit";
import { laneConfigOf } from "../lane/lane-configs";
import type { ReplayRequest, ReplayStarted } from "../lane/start-replay";
import type { Operation } from "./operation";
import type { Webhook } from "./webhooks";
import { laneOf } from "../lane/lane-of";

/** Asks the webhook's lane for a replay; one with a known id is not started again. */
export async function startReplay(
  { env, actor }: Operation,
  webhook: Webhook,
  request: ReplayRequest,
): Promise<ReplayStarted> {
  const lane = laneOf(env, webhook.uuid);
  // A lane that was never called does not know its webhook yet.
  await lane.configure(laneConfigOf(webhook));
  const started: ReplayStarted = await lane.replay(request);
  if (started.outcome === "started" && started.isNew) {
    await audit(env, actor, { action: "replay.started", target: webhook.uuid, detail: started.id });
  }
  return started;
}
