/** How a delivery's page and the log display a digest, a message that carries several deliveries. */
import type { LoggedDelivery } from "../../lane/delivery-log";
import type { ShownDelivery } from "../../lane/shown-delivery";
import { deliveryUuid } from "../../send/delivery-uuid";
import type { Webhook } from "../../webhooks/webhooks";
import { Fact } from "../parts/fact";
import { deliveryPath } from "./names-and-paths";

/** The most deliveries that are listed. */
const namedMax = 10;

/**
 * Facts of a delivery in a digest: the delivery whose message carries it, and the deliveries that its message carries.
 */
export function SharedMessage({ webhook, delivery }: { webhook: Webhook; delivery: ShownDelivery }) {
  const { carriedBy, carries } = delivery;
  const more = carries.length - namedMax;
  return (
    <>
      {carriedBy !== null && (
        <Fact label={labelOf(delivery)}>
          <DeliveryLink webhook={webhook} sequence={carriedBy} />
        </Fact>
      )}
      {carries.length > 0 && (
        <Fact label="Also in its message">
          {carries.slice(0, namedMax).map((sequence, place) => (
            <>
              {place > 0 && ", "}
              <DeliveryLink webhook={webhook} sequence={sequence} />
            </>
          ))}
          {more > 0 && ` and ${more} more`}
        </Fact>
      )}
    </>
  );
}

/** The text in the log's column of attempts, for a delivery that another delivery's message carried. */
export function CarriedBy({ webhook, sequence }: { webhook: Webhook; sequence: number }) {
  return (
    <>
      With <DeliveryLink webhook={webhook} sequence={sequence} />
    </>
  );
}

function labelOf({ status }: LoggedDelivery): string {
  return status === "pending" ? "Will be sent in the message of" : "Sent in the message of";
}

function DeliveryLink({ webhook, sequence }: { webhook: Webhook; sequence: number }) {
  return <a href={deliveryPath(webhook, deliveryUuid(webhook.uuid, sequence))}>#{sequence}</a>;
}
