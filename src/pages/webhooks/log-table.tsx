/** The delivery log: a page of it, newest first. */
import type { LoggedDelivery } from "../../delivery/delivery-log";
import type { Webhook } from "../../db/webhooks";
import { deliveryUuid } from "../../delivery/delivery-uuid";
import { StatusBadge } from "../parts/badges";
import { Cell } from "../parts/cell";
import { count } from "../parts/figures";
import { Time } from "../parts/time";
import { deliveryPath } from "./names";

export function LogTable({ webhook, deliveries }: { webhook: Webhook; deliveries: LoggedDelivery[] }) {
  return (
    <div class="table-scroll" role="region" aria-label="Deliveries" tabindex={0}>
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
            <th scope="col">Last error</th>
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
              <Cell label="Attempts" number>
                {count(delivery.attempts)}
              </Cell>
              <Cell label="Last error">
                <LastError {...delivery} />
              </Cell>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The class of the failure, and the status where there was an answer. */
export function LastError({ lastError, lastStatus }: Pick<LoggedDelivery, "lastError" | "lastStatus">) {
  if (lastError === null) return <span class="muted">None</span>;
  return (
    <>
      <code>{lastError}</code>
      {lastStatus !== null && ` (${lastStatus})`}
    </>
  );
}
