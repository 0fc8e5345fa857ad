/** What can be done to a delivery: send it again and, while it waits, give it up. */
import type { ShownStatus } from "../../lane/delivery-log";

/** What of a delivery's page a change may change. */
const changedParts =
  "outcome delivery-status delivery-change delivery-facts delivery-attempts delivery-request";

/** @param props.path the delivery's. */
export function DeliveryActions({ path, status }: { path: string; status: ShownStatus }) {
  const waits = status === "pending" || status === "failed";
  return (
    <section class="card" aria-labelledby="change-title">
      <h2 id="change-title" class="visually-hidden">
        Change
      </h2>
      <div id="delivery-change" class="stack">
        <form method="post" action={`${path}/redeliver`} data-in-place={changedParts}>
          <button class="button primary" type="submit">
            Send again
          </button>
        </form>
        {waits && <GiveUpForm path={path} inPlace={changedParts} />}
      </div>
    </section>
  );
}

/**
 * @param props.back `webhook` leads back to the webhook's page instead of the delivery's.
 * @param props.inPlace the parts that the outcome may change.
 */
export function GiveUpForm({ path, back, inPlace }: { path: string; back?: "webhook"; inPlace: string }) {
  return (
    <form class="row" method="post" action={`${path}/skip`} data-in-place={inPlace}>
      {back && <input type="hidden" name="back" value={back} />}
      <label class="choice">
        <input type="checkbox" name="confirmed" value="yes" required />
        Do not try it any more: it becomes a dead letter, which can be sent again
      </label>
      <button class="button danger" type="submit">
        Give up
      </button>
    </form>
  );
}
