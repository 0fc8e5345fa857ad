/** Who else was told of a delivery's event, and what became of that. */
import { findArchived } from "../../events/archive-list";
import type { Webhook } from "../../webhooks/webhooks";
import { deliveryUuid } from "../../send/delivery-uuid";
import { deliveriesOf, type DeliveryOfWebhook } from "../../events/deliveries-of-event";
import { answerOrNull } from "../parts/ask-lane";
import { StatusBadge } from "../parts/badges";
import { deliveryPath } from "./names-and-paths";

/** `archived`: whether the event is in the archive; `complete`: whether all were asked and have answered. */
export type Others = { archived: boolean; complete: boolean; deliveries: DeliveryOfWebhook[] };

/** Asks the lanes of the other webhooks that may have the event. What takes too long is left out. */
export async function othersOf(env: Env, webhook: Webhook, eventUuid: string): Promise<Others> {
  const event = await findArchived(env.DB, eventUuid);
  if (event === null) return { archived: false, complete: false, deliveries: [] };
  const found = await answerOrNull(deliveriesOf(env, event), { webhook: webhook.uuid });
  const deliveries = (found?.deliveries ?? []).filter((one) => one.webhook.uuid !== webhook.uuid);
  return { archived: true, complete: found?.complete ?? false, deliveries };
}

export function OtherDeliveries({ archived, complete, deliveries }: Others) {
  return (
    <section class="card" aria-labelledby="others-title">
      <h2 id="others-title">The event's other deliveries</h2>
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
      {deliveries.length === 0 && <p class="muted">{nobody({ archived, complete })}</p>}
      {deliveries.length > 0 && !complete && (
        <p class="muted">There may be more: not every webhook could be asked.</p>
      )}
    </section>
  );
}

function nobody({ archived, complete }: { archived: boolean; complete: boolean }): string {
  if (!archived) return "The event is no longer in the archive, so they cannot be told.";
  return complete ? "No other webhook was told of it." : "Not every webhook could be asked. Try again.";
}
