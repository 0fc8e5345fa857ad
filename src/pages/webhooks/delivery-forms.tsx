/** What can be done to a delivery: send it again and, while it waits, give it up. */
import type { ShownStatus } from "../../delivery/delivery-log";

/** @param props.path the delivery's. */
export function DeliveryForms({ path, status }: { path: string; status: ShownStatus }) {
  const waits = status === "pending" || status === "failed";
  return (
    <section class="card" aria-labelledby="change-title">
      <h2 id="change-title" class="visually-hidden">
        Change
      </h2>
      <div class="stack">
        <form method="post" action={`${path}/redeliver`}>
          <button class="button primary" type="submit">
            Send again
          </button>
        </form>
        {waits && (
          <form class="row" method="post" action={`${path}/skip`}>
            <label class="choice">
              <input type="checkbox" name="confirmed" value="yes" required />
              Do not try it any more: it becomes a dead letter, which can be sent again
            </label>
            <button class="button danger" type="submit">
              Give up
            </button>
          </form>
        )}
      </div>
    </section>
  );
}
