/** Sends a webhook's configuration to its lane. */
import { laneConfigOf } from "../lane/lane-configs";
import { laneOf } from "../lane/lane-of";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";
import type { Webhook } from "./webhooks";

/**
 * Creates the lane of a new webhook, or applies a change in it at once. Never throws, because the lane gets the
 * configuration later as well: handed-over events contain it, and a lane reads its row in D1 before a retry.
 */
export async function configureLane(env: Env, webhook: Webhook): Promise<void> {
  try {
    await withTimeout(Promise.resolve(laneOf(env, webhook.uuid).configure(laneConfigOf(webhook))));
  } catch (error) {
    log("warn", "lane not configured", { webhook: webhook.uuid, error: String(error) });
  }
}
