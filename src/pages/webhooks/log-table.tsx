/** The table of the delivery log. */
import type { LoggedDelivery } from "../../lane/delivery-log";
import type { Webhook } from "../../webhooks/webhooks";
import { deliveryUuid } from "../../send/delivery-uuid";
import { CarriedBy } from "./shared-message";
import { StatusBadge } from "../parts/badges";
import { count } from "../parts/format-numbers";
import { EventTitle } from "../parts/event-title";
import { Cell, Table } from "../parts/table";
import { Time } from "../parts/time";
import { deliveryPath } from "./names-and-paths";
import { reasonOfDelivery } from "./failure-reason";

/** @param props.deliveries a page of the log, newest first. */
export function LogTable({ webhook, deliveries }: { webhook: Webhook; deliveries: LoggedDelivery[] }) {
  return (
    <Table
      label="Delivery log"
      columns={["Delivery", "Event", "Status", "Accepted", { label: "Attempts", number: true }, "Last error"]}
    >
      {deliveries.map((delivery) => (
        <tr>
          <th scope="row">
            <a href={deliveryPath(webhook, deliveryUuid(webhook.uuid, delivery.sequence))}>
              #{delivery.sequence}
            </a>
          </th>
          <Cell label="Event">
            <EventTitle title={delivery.title} type={delivery.eventType} />
          </Cell>
          <Cell label="Status">
            <StatusBadge status={delivery.status} />
          </Cell>
          <Cell label="Accepted">
            <Time at={delivery.acceptedAt} />
          </Cell>
          <Cell label="Attempts" number minor={delivery.attempts < 2 && delivery.carriedBy === null}>
            {delivery.carriedBy !== null && delivery.attempts === 0 ? (
              <CarriedBy webhook={webhook} sequence={delivery.carriedBy} />
            ) : (
              count(delivery.attempts)
            )}
          </Cell>
          <Cell label="Last error" minor={delivery.lastError === null}>
            <LastError {...delivery} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

/** Why the latest attempt failed. */
export function LastError(delivery: Pick<LoggedDelivery, "lastError" | "lastStatus">) {
  return reasonOfDelivery(delivery) ?? <span class="muted">None</span>;
}
