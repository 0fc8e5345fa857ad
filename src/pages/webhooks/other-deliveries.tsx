/** The deliveries of the same event to other webhooks. */
import { findEvent } from "../../events/find-event";
import type { Webhook } from "../../webhooks/webhooks";
import { deliveryUuid } from "../../send/delivery-uuid";
import { deliveriesOf, type DeliveryOfWebhook } from "../../events/deliveries-of-event";
import { answerOrNull } from "../parts/ask-lane";
import { StatusBadge } from "../parts/badges";
import { deliveryPath } from "./names-and-paths";

/** `archived`: whether the event is in the archive. `complete`: whether all lanes have responded. */
export type EventDeliveriesElsewhere = {
  archived: boolean;
  complete: boolean;
  deliveries: DeliveryOfWebhook[];
};

/** Calls the lanes of the other webhooks that may have the event. Lanes that do not respond in time are left out. */
export async function findOtherDeliveries(
  env: Env,
  webhook: Webhook,
  eventUuid: string,
): Promise<EventDeliveriesElsewhere> {
  const event = await findEvent(env, eventUuid);
  if (event === null) return { archived: false, complete: false, deliveries: [] };
  const found = await answerOrNull(deliveriesOf(env, event), { webhook: webhook.uuid });
  const deliveries = (found?.deliveries ?? []).filter((one) => one.webhook.uuid !== webhook.uuid);
  return { archived: true, complete: found?.complete ?? false, deliveries };
}

/** Links to the deliveries, with their statuses. */
export function OtherDeliveries({ archived, complete, deliveries }: EventDeliveriesElsewhere) {
  return (
    <section class="card" aria-labelledby="others-title">
      <h2 id="others-title">Other deliveries of this event</h2>
      {deliveries.length > 0 && (
        <ul class="actions">
          {deliveries.map(({ webhook, delivery }) => (
            <li>
              <a href={deliveryPath(webhook, deliveryUuid(webhook.uuid, delivery.sequence))}>
                #{delivery.sequence} of {webhook.name.trim() || webhook.uuid}
              </a>
              <StatusBadge status={delivery.status} />
            </li>
          ))}
        </ul>
      )}
      {deliveries.length === 0 && <p class="muted">{emptyText({ archived, complete })}</p>}
      {deliveries.length > 0 && !complete && (
        <p class="muted">This list may be incomplete: some webhooks did not respond.</p>
      )}
    </section>
  );
}

function emptyText({ archived, complete }: { archived: boolean; complete: boolean }): string {
  if (!archived) return "Unknown: the event is no longer in the archive.";
  return complete ? "No other webhook received this event." : "Some webhooks did not respond. Try again.";
}
