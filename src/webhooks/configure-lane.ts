/** Telling a webhook's lane how it is configured. */
import { laneConfigOf } from "../lane/lane-configs";
import { laneOf } from "../lane/lane-of";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";
import type { Webhook } from "./webhooks";

/**
 * Makes the lane of a new webhook, and makes a change hold at once. Never throws: events bring the configuration along, and
 * a lane reads its row in D1 before a retry.
 */
export async function configureLane(env: Env, webhook: Webhook): Promise<void> {
  try {
    await withTimeout(Promise.resolve(laneOf(env, webhook.uuid).configure(laneConfigOf(webhook))));
  } catch (error) {
    log("warn", "lane not configured", { webhook: webhook.uuid, error: String(error) });
  }
}
