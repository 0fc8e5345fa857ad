/** What became of an event: its delivery to each webhook. */
import type { ArchivedEvent } from "../../events/archive-list";
import { deliveryUuid } from "../../send/delivery-uuid";
import type { DeliveryOfWebhook } from "../../events/deliveries-of-event";
import { StatusBadge } from "../parts/badges";
import { count } from "../parts/format-numbers";
import { Cell, Table } from "../parts/table";
import { Time } from "../parts/time";
import { LastError } from "../webhooks/log-table";
import { deliveryPath, nameOf } from "../webhooks/names-and-paths";

/** For so long after its acceptance a page watches an event arrive, */
const watchedMs = 60_000;
/** if no more webhooks than these have it: each look asks their lanes. */
const watchedDeliveriesMax = 10;

/** @param props.isComplete whether every webhook that may have it was asked, and answered. */
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
            There may be more: not every webhook could be asked. The log of each webhook has all of its own.
          </p>
        )}
        {deliveries.length > 0 && (
          <div data-poll={isWatched(event, deliveries) ? "event-deliveries" : undefined}>
            <Deliveries deliveries={deliveries} />
          </div>
        )}
        {deliveries.length === 0 && isComplete && (
          <p class="muted">
            No webhook got this event: none heard of it when it was accepted. A webhook that was made later
            can have it sent with a replay of what is missing.
          </p>
        )}
      </div>
    </section>
  );
}

function Deliveries({ deliveries }: { deliveries: DeliveryOfWebhook[] }) {
  return (
    <Table columns={["Webhook", "Status", { label: "Attempts", number: true }, "Last tried", "Last failure"]}>
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
          <Cell label="Last tried">
            <Time at={delivery.lastAttemptAt} otherwise="Not yet" />
          </Cell>
          <Cell label="Last failure">
            <LastError {...delivery} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

/** Whether something is about to happen that people wait for. */
function isWatched({ accepted_at }: ArchivedEvent, deliveries: DeliveryOfWebhook[]): boolean {
  const isNew = Date.now() - accepted_at < watchedMs;
  const waits = deliveries.some(({ delivery: { status } }) => status === "pending" || status === "failed");
  return isNew && waits && deliveries.length <= watchedDeliveriesMax;
}
