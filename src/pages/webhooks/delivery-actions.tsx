/** Actions on a delivery: resend and, while it is not finished, give up. */
import type { ShownStatus } from "../../lane/delivery-log";

/** The parts of a delivery's page that an action may change. */
const changedParts =
  "outcome delivery-status delivery-change delivery-facts delivery-attempts delivery-request";

/** @param props.path of the delivery. */
export function DeliveryActions({ path, status }: { path: string; status: ShownStatus }) {
  const isUnfinished = status === "pending" || status === "failed";
  return (
    <section class="card" aria-labelledby="actions-title">
      <h2 id="actions-title" class="visually-hidden">
        Actions
      </h2>
      <div id="delivery-change" class="stack">
        <form method="post" action={`${path}/redeliver`} data-in-place={changedParts}>
          <button class="button primary" type="submit">
            Resend
          </button>
        </form>
        {isUnfinished && <GiveUpForm path={path} inPlace={changedParts} />}
      </div>
    </section>
  );
}

/**
 * @param props.back `webhook` redirects to the webhook's page instead of the delivery's.
 * @param props.inPlace the parts of the page that the action may change.
 */
export function GiveUpForm({ path, back, inPlace }: { path: string; back?: "webhook"; inPlace: string }) {
  return (
    <form class="row" method="post" action={`${path}/skip`} data-in-place={inPlace}>
      {back && <input type="hidden" name="back" value={back} />}
      <label class="choice">
        <input type="checkbox" name="confirmed" value="yes" required />
        Stop retrying: it becomes a dead letter, which can be resent
      </label>
      <button class="button danger" type="submit">
        Give up
      </button>
    </form>
  );
}
