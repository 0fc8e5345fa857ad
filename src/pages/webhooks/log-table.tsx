/** The delivery log: a page of it, newest first. */
import type { LoggedDelivery } from "../../delivery/delivery-log";
import type { Webhook } from "../../db/webhooks";
import { deliveryUuid } from "../../delivery/delivery-uuid";
import { StatusBadge } from "../parts/badges";
import { Cell } from "../parts/cell";
import { count } from "../parts/figures";
import { Time } from "../parts/time";
import { deliveryPath } from "./names";
import { reasonOfDelivery } from "./reason";

export function LogTable({ webhook, deliveries }: { webhook: Webhook; deliveries: LoggedDelivery[] }) {
  return (
    <div class="table-scroll" role="region" aria-label="The log" tabindex={0}>
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Delivery</th>
            <th scope="col">Event</th>
            <th scope="col">Status</th>
            <th scope="col">Accepted</th>
            <th scope="col" class="number">
              Attempts
            </th>
            <th scope="col">Last failure</th>
          </tr>
        </thead>
        <tbody>
          {deliveries.map((delivery) => (
            <tr>
              <th scope="row">
                <a href={deliveryPath(webhook, deliveryUuid(webhook.uuid, delivery.sequence))}>
                  #{delivery.sequence}
                </a>
              </th>
              <Cell label="Event">{delivery.eventType}</Cell>
              <Cell label="Status">
                <StatusBadge status={delivery.status} />
              </Cell>
              <Cell label="Accepted">
                <Time at={delivery.acceptedAt} />
              </Cell>
              <Cell label="Attempts" number minor={delivery.attempts < 2}>
                {count(delivery.attempts)}
              </Cell>
              <Cell label="Last failure" minor={delivery.lastError === null}>
                <LastError {...delivery} />
              </Cell>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Why the latest attempt failed, in words. */
export function LastError(delivery: Pick<LoggedDelivery, "lastError" | "lastStatus">) {
  return reasonOfDelivery(delivery) ?? <span class="muted">None</span>;
}
