/** Reads the deliveries of one event from the lanes. */
import type { ArchivedEvent } from "./archived-event";
import { listPossibleReceivers, type PossibleReceiver } from "./event-receivers";
import type { LoggedDelivery } from "../lane/delivery-log";
import { withTimeout } from "../platform/timeouts";
import { forEachConcurrent } from "../platform/concurrency";
import { log } from "../platform/log";
import { laneOf } from "../lane/lane-of";

/** The most lanes that are called for one event. */
const lanesMax = 200;
/** How many of them are called at once. */
const lanesAtOnce = 50;

/** A delivery and its webhook. */
export type DeliveryOfWebhook = { webhook: PossibleReceiver; delivery: LoggedDelivery };

/**
 * @returns the deliveries, in order of their webhooks. `complete`: whether every lane that may have the event has
 *   responded.
 */
export async function deliveriesOf(
  env: Env,
  event: ArchivedEvent,
): Promise<{ deliveries: DeliveryOfWebhook[]; complete: boolean }> {
  const { webhooks, complete } = await listPossibleReceivers(env.DB, event, lanesMax);
  const found = new Map<string, LoggedDelivery>();
  let allAnswered = true;
  await forEachConcurrent(lanesAtOnce, webhooks, async ({ uuid }) => {
    try {
      const lane = laneOf(env, uuid);
      const delivery = await withTimeout(lane.deliveryOf(event.uuid, event.accepted_at));
      if (delivery !== null) found.set(uuid, delivery);
    } catch (error) {
      allAnswered = false;
      log("warn", "lane did not return an event's delivery", { webhook: uuid, error: String(error) });
    }
  });
  const deliveries = webhooks.flatMap((webhook) => {
    const delivery = found.get(webhook.uuid);
    return delivery === undefined ? [] : [{ webhook, delivery }];
  });
  return { deliveries, complete: complete && allAnswered };
}
