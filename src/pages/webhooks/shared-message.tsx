/** What a delivery's page and the log say of a message that carries several deliveries. */
import type { LoggedDelivery } from "../../lane/delivery-log";
import type { ShownDelivery } from "../../lane/shown-delivery";
import { deliveryUuid } from "../../send/delivery-uuid";
import type { Webhook } from "../../webhooks/webhooks";
import { Fact } from "../parts/fact";
import { deliveryPath } from "./names-and-paths";

/** How many deliveries are named. */
const namedMax = 10;

/** A fact for each way in which a delivery shares a message; none for most deliveries. */
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
        <Fact label="Its message carried as well">
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

/** In the log's column of attempts. */
export function CarriedBy({ webhook, sequence }: { webhook: Webhook; sequence: number }) {
  return (
    <>
      With <DeliveryLink webhook={webhook} sequence={sequence} />
    </>
  );
}

function labelOf({ status }: LoggedDelivery): string {
  return status === "pending" ? "Goes in the message of" : "Sent in the message of";
}

function DeliveryLink({ webhook, sequence }: { webhook: Webhook; sequence: number }) {
  return <a href={deliveryPath(webhook, deliveryUuid(webhook.uuid, sequence))}>#{sequence}</a>;
}
