/** The start of a replay, for the API and for the page. */
import type { Context } from "hono";
import { laneConfigOf } from "../lane/lane-configs";
import type { Webhook } from "./webhooks";
import type { ReplayRequest, ReplayStarted } from "../lane/webhook-lane";
import { audit } from "../auth/audit";
import type { AppEnv } from "../http/router";

/** Asks the webhook's lane for a replay on behalf of `c.var.caller`, and writes down one that was started now. */
export async function beginReplay(
  c: Context<AppEnv>,
  webhook: Webhook,
  request: ReplayRequest,
): Promise<ReplayStarted> {
  const lane = c.env.LANES.getByName(webhook.uuid);
  // A webhook that has never had an event has a lane that does not know it.
  await lane.configure(laneConfigOf(webhook));
  const started: ReplayStarted = await lane.replay(request);
  if (started.outcome === "started" && started.isNew) {
    await audit(c, { action: "replay.started", target: webhook.uuid, detail: started.id });
  }
  return started;
}
