/** The deliveries of an event, one per webhook. */
import type { ArchivedEvent } from "../../events/archived-event";
import { deliveryUuid } from "../../send/delivery-uuid";
import type { DeliveryOfWebhook } from "../../events/deliveries-of-event";
import { StatusBadge } from "../parts/badges";
import { count } from "../parts/format-numbers";
import { Cell, Table } from "../parts/table";
import { Time } from "../parts/time";
import { LastError } from "../webhooks/log-table";
import { deliveryPath, nameOf } from "../webhooks/names-and-paths";

/** The page refreshes for this long after the event was accepted. */
const watchedMs = 60_000;
/** With more deliveries than this, the page does not refresh, because each refresh calls all their lanes. */
const watchedDeliveriesMax = 10;

/** @param props.isComplete whether the lanes of all webhooks that may have the event have responded. */
export function EventDeliveries({
  event,
  deliveries,
  isComplete,
}: {
  event: ArchivedEvent;
  deliveries: DeliveryOfWebhook[];
  isComplete: boolean;
}) {
  return (
    <section class="card" aria-labelledby="event-deliveries-title">
      <h2 id="event-deliveries-title">Deliveries</h2>
      <div id="event-deliveries" class="stack">
        {!isComplete && (
          <p class="notice warn">
            This list may be incomplete: some webhooks did not respond. Each webhook's page lists all of its
            deliveries.
          </p>
        )}
        {deliveries.length > 0 && (
          <div data-poll={isWatched(event, deliveries) ? "event-deliveries" : undefined}>
            <Deliveries deliveries={deliveries} />
          </div>
        )}
        {deliveries.length === 0 && isComplete && (
          <p class="muted">
            No webhook was subscribed when this event was accepted. To send it to a webhook created later,
            replay the events that it missed.
          </p>
        )}
      </div>
    </section>
  );
}

function Deliveries({ deliveries }: { deliveries: DeliveryOfWebhook[] }) {
  return (
    <Table columns={["Webhook", "Status", { label: "Attempts", number: true }, "Last attempt", "Last error"]}>
      {deliveries.map(({ webhook, delivery }) => (
        <tr>
          <th scope="row">
            <a href={deliveryPath(webhook, deliveryUuid(webhook.uuid, delivery.sequence))}>
              {nameOf(webhook)} #{delivery.sequence}
            </a>
          </th>
          <Cell label="Status">
            <StatusBadge status={delivery.status} />
          </Cell>
          <Cell label="Attempts" number>
            {count(delivery.attempts)}
          </Cell>
          <Cell label="Last attempt">
            <Time at={delivery.lastAttemptAt} otherwise="Not yet" />
          </Cell>
          <Cell label="Last error">
            <LastError {...delivery} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

/** Whether the page refreshes: the event is new and a delivery is not finished. */
function isWatched({ accepted_at }: ArchivedEvent, deliveries: DeliveryOfWebhook[]): boolean {
  const isNew = Date.now() - accepted_at < watchedMs;
  const isUnfinished = deliveries.some(
    ({ delivery: { status } }) => status === "pending" || status === "failed",
  );
  return isNew && isUnfinished && deliveries.length <= watchedDeliveriesMax;
}
