/** `GET /webhooks/{uuid}/deliveries/{delivery}`: one delivery, what was sent and what came back. */
import { allows } from "../../auth/scopes";
import type { FullDelivery } from "../../delivery/delivery-log";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { StatusBadge } from "../parts/badges";
import { count } from "../parts/figures";
import { OutcomeNotice, takeOutcome } from "../parts/outcome";
import { Time } from "../parts/time";
import { Attempts } from "./attempts";
import { DeliveryForms } from "./delivery-forms";
import { deliveryInPath, noDelivery } from "./in-path";
import { LastError } from "./log-table";
import { deliveryPath, nameOf, pathOf } from "./names";
import { SentRequest } from "./sent-request";

/** Adds the page to `router`. */
export function deliveryPage(router: Router): void {
  router.get("/webhooks/:uuid/deliveries/:delivery", signedIn("webhooks:read"), async (c) => {
    const { webhook, uuid, sequence } = await deliveryInPath(c);
    const delivery = await c.env.LANES.getByName(webhook.uuid).delivery(sequence);
    if (delivery === null) throw noDelivery();
    const { status, sent, body, history } = delivery;

    return renderPage(
      c,
      { title: `Delivery #${sequence} of ${nameOf(webhook)}`, user: c.var.caller, section: "/" },
      <>
        <div class="page-header">
          <div>
            <p class="small">
              <a href="/">Webhooks</a> / <a href={pathOf(webhook)}>{nameOf(webhook)}</a>
            </p>
            <h1>
              Delivery #{sequence}
              <span class="visually-hidden"> of {nameOf(webhook)}</span>
            </h1>
          </div>
          <StatusBadge status={status} />
        </div>
        <OutcomeNotice outcome={takeOutcome(c)} />
        {allows(c.var.caller.scopes, "webhooks:write") && (
          <DeliveryForms path={deliveryPath(webhook, uuid)} status={status} />
        )}
        <Facts uuid={uuid} delivery={delivery} />
        <Attempts history={history} />
        <SentRequest sent={sent && { headers: sent.headers, body }} />
      </>,
    );
  });
}

function Facts({ uuid, delivery }: { uuid: string; delivery: FullDelivery }) {
  const { nextAttemptAt, deliveredAt } = delivery;
  return (
    <section class="card" aria-labelledby="delivery-title">
      <h2 id="delivery-title">Delivery</h2>
      <dl class="facts">
        <dt>Event type</dt>
        <dd>{delivery.eventType}</dd>
        <dt>Accepted</dt>
        <dd>
          <Time at={delivery.acceptedAt} />
        </dd>
        {deliveredAt !== null && (
          <>
            <dt>Delivered</dt>
            <dd>
              <Time at={deliveredAt} />
            </dd>
          </>
        )}
        {nextAttemptAt !== null && (
          <>
            <dt>Next attempt</dt>
            <dd>
              <Time at={nextAttemptAt} />
            </dd>
          </>
        )}
        <dt>Attempts</dt>
        <dd>{count(delivery.attempts)}</dd>
        <dt>Last error</dt>
        <dd>
          <LastError {...delivery} />
        </dd>
        <dt>Event</dt>
        <dd>
          <code>{delivery.eventUuid}</code>
        </dd>
        <dt>UUID</dt>
        <dd>
          <code>{uuid}</code>
        </dd>
      </dl>
    </section>
  );
}
