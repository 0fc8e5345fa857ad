/** Notices on a webhook's page for failing deliveries that block others. */
import type { Webhook } from "../../webhooks/webhooks";
import type { LoggedDelivery } from "../../lane/delivery-log";
import { deliveryUuid } from "../../send/delivery-uuid";
import type { LaneStats } from "../../lane/lane-stats";
import { count } from "../parts/format-numbers";
import { Time } from "../parts/time";
import { GiveUpForm } from "./delivery-actions";
import { deliveryPath } from "./names-and-paths";
import { reasonOfDelivery } from "./failure-reason";

/** @param props.deliveries the oldest failing deliveries that block others, oldest first. */
export function BlockingDeliveries({
  webhook,
  stats,
  deliveries,
  mayWrite,
}: {
  webhook: Webhook;
  stats: LaneStats;
  deliveries: LoggedDelivery[];
  mayWrite: boolean;
}) {
  const isActive = stats.state === "active";
  return (
    <>
      {deliveries.map((delivery) => {
        const path = deliveryPath(webhook, deliveryUuid(webhook.uuid, delivery.sequence));
        return (
          <div class="notice warn blocking">
            <p>
              <strong>
                <a href={path}>Delivery #{delivery.sequence}</a> blocks {blocked(webhook, stats)}.
              </strong>{" "}
              {delivery.title !== undefined && <>“{delivery.title}” </>}
              {reasonOfDelivery(delivery)} Attempts: {count(delivery.attempts)}
              {isActive && delivery.nextAttemptAt !== null && (
                <>
                  , next <Time at={Math.max(delivery.nextAttemptAt, Date.now())} />
                </>
              )}
              .
            </p>
            {mayWrite && (
              <div class="row">
                {isActive && (
                  <form method="post" action={`${path}/redeliver`} data-in-place={changedParts}>
                    <input type="hidden" name="back" value="webhook" />
                    <button class="button small" type="submit">
                      Retry now<span class="visually-hidden"> delivery #{delivery.sequence}</span>
                    </button>
                  </form>
                )}
                <details id={`give-up-${delivery.sequence}`}>
                  <summary>
                    Give up<span class="visually-hidden"> delivery #{delivery.sequence}</span>…
                  </summary>
                  <GiveUpForm path={path} back="webhook" inPlace={changedParts} />
                </details>
              </div>
            )}
          </div>
        );
      })}
    </>
  );
}

/** The parts of the page that an action may change. */
export const changedParts = "outcome webhook-state webhook-news webhook-activity webhook-log";

function blocked({ ordering }: Webhook, { backlog }: LaneStats): string {
  const others = backlog - 1;
  if (ordering === "keyed") return "later deliveries with the same key";
  if (others <= 0) return "new deliveries";
  return `${count(others)} ${others === 1 ? "delivery" : "deliveries"}`;
}
