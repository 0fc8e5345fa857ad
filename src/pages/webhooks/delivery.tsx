/** `GET /webhooks/{uuid}/deliveries/{delivery}`: one delivery: its attempts, request, event and actions. */
import { allows, mayReadTexts } from "../../auth/scopes";
import { type ShownDelivery, withoutTexts } from "../../lane/shown-delivery";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { StatusBadge } from "../parts/badges";
import { count } from "../parts/format-numbers";
import { OutcomeNotice, takeOutcome } from "../parts/outcome";
import { EventSentence } from "../parts/event-sentence";
import { Fact } from "../parts/fact";
import { ScopeRequired } from "../parts/scope-required";
import { Time } from "../parts/time";
import { Breadcrumbs } from "../parts/breadcrumbs";
import { Attempts } from "./attempts";
import { DeliveryActions } from "./delivery-actions";
import { deliveryInPath, deliveryNotFound } from "./path-params";
import { LastError } from "./log-table";
import { deliveryPath, nameOf, webhookPath } from "./names-and-paths";
import { OtherDeliveries, findOtherDeliveries } from "./other-deliveries";
import { formatBody, SentRequest } from "./sent-request";
import { SharedMessage } from "./shared-message";
import { laneOf } from "../../lane/lane-of";
import type { Webhook } from "../../webhooks/webhooks";

/** Adds the page to `router`. */
export function deliveryPage(router: Router): void {
  router.get("/webhooks/:uuid/deliveries/:delivery", signedIn("webhooks:read"), async (c) => {
    const { webhook, uuid, sequence } = await deliveryInPath(c);
    const found = await laneOf(c.env, webhook.uuid).delivery(sequence);
    if (found === null) throw deliveryNotFound();
    const hasTexts = mayReadTexts(c.var.caller);
    const delivery: ShownDelivery = hasTexts ? found : withoutTexts(found);
    const { status, sent, body, history } = delivery;
    const isCarried = delivery.carriedBy !== null;
    // Background refreshes do not replace this part, so that the other lanes are asked once per visit.
    const isVisit = c.req.header("X-Live") === undefined;
    const others = isVisit ? await findOtherDeliveries(c.env, webhook, delivery.eventUuid) : null;
    const scripts = ["/in-place.js", "/live.js", "/copy.js"] as const;

    return renderPage(
      c,
      { title: `Delivery #${sequence} of ${nameOf(webhook)}`, user: c.var.caller, section: "/", scripts },
      <>
        <div class="page-header">
          <div>
            <Breadcrumbs links={{ "/": "Webhooks", [webhookPath(webhook)]: nameOf(webhook) }} />
            <h1>
              Delivery #{sequence}
              <span class="visually-hidden"> of {nameOf(webhook)}</span>
            </h1>
          </div>
          <div class="row">
            <span
              class="live"
              data-live={`${webhookPath(webhook)}/live`}
              data-parts="delivery-status delivery-change delivery-facts delivery-attempts delivery-request"
              hidden
            >
              Live
            </span>
            <div id="delivery-status">
              <StatusBadge status={status} />
            </div>
          </div>
        </div>
        <div id="outcome" aria-live="polite">
          <OutcomeNotice outcome={takeOutcome(c)} />
        </div>
        {allows(c.var.caller.scopes, "webhooks:write") ? (
          <DeliveryActions path={deliveryPath(webhook, uuid)} status={status} />
        ) : (
          <div id="delivery-change"></div>
        )}
        <Facts uuid={uuid} webhook={webhook} delivery={delivery} />
        <Attempts history={history} isCarried={isCarried} />
        <SentRequest
          sent={sent && { headers: sent.headers, body }}
          mayReadTexts={hasTexts}
          isCarried={isCarried}
        />
        <EventBody env={c.env} event={delivery.event} uuid={delivery.eventUuid} />
        {others && <OtherDeliveries {...others} />}
      </>,
    );
  });
}

/** @param props.event its body; null when the caller may not read it. */
function EventBody({ env, event, uuid }: { env: Env; event: string | null; uuid: string }) {
  return (
    <section class="card" aria-labelledby="event-title">
      <h2 id="event-title">Event</h2>
      {event !== null && <EventSentence env={env} text={event} />}
      <p>
        <a href={`/events/${uuid}`}>{uuid}</a>
      </p>
      {event === null ? (
        <ScopeRequired what="The event body is" />
      ) : (
        <details>
          <summary>Event as published, formatted</summary>
          <pre tabindex={0} role="region" aria-label="Event, formatted">
            {formatBody(event)}
          </pre>
        </details>
      )}
    </section>
  );
}

function Facts({ uuid, webhook, delivery }: { uuid: string; webhook: Webhook; delivery: ShownDelivery }) {
  const { nextAttemptAt, deliveredAt } = delivery;
  return (
    <section class="card" aria-labelledby="delivery-title">
      <h2 id="delivery-title">Delivery</h2>
      <dl class="facts" id="delivery-facts">
        <Fact label="Event type">{delivery.eventType}</Fact>
        <Fact label="Accepted">
          <Time at={delivery.acceptedAt} />
        </Fact>
        {deliveredAt !== null && (
          <Fact label="Delivered">
            <Time at={deliveredAt} />
          </Fact>
        )}
        {nextAttemptAt !== null && (
          <Fact label="Next attempt">
            <Time at={nextAttemptAt} />
          </Fact>
        )}
        <Fact label="Attempts">{count(delivery.attempts)}</Fact>
        <Fact label="Last error">
          <LastError {...delivery} />
        </Fact>
        <SharedMessage webhook={webhook} delivery={delivery} />
        <Fact label="UUID">
          <code>{uuid}</code>
        </Fact>
      </dl>
    </section>
  );
}
