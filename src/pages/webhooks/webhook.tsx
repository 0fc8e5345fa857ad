/** `GET /webhooks/{uuid}`: one webhook: activity, delivery log, settings and actions. */
import { routeOfWebhook } from "../../webhooks/webhook-target";
import { readConfig } from "../../platform/config";
import { allows, mayReadTexts } from "../../auth/scopes";
import { listSubscriptions } from "../../webhooks/subscriptions";
import type { Webhook } from "../../webhooks/webhooks";
import type { LaneState } from "../../lane/lane-record";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { askLane } from "../parts/ask-lane";
import { StateBadge } from "../parts/badges";
import { OutcomeNotice, takeOutcome } from "../parts/outcome";
import { Breadcrumbs } from "../parts/breadcrumbs";
import { DeliveryLog } from "./delivery-log";
import { Activity } from "./activity";
import { EventSubscriptions } from "./event-subscriptions";
import { changedParts, BlockingDeliveries } from "./blocking-deliveries";
import { webhookInPath } from "./path-params";
import { isInvalid, queryOf, readView } from "./log-view";
import { Manage } from "./manage";
import { hostOf, nameOf, webhookPath } from "./names-and-paths";
import { RunningReplays } from "./running-replays";
import { VerifySignature } from "./verify-signature";
import { WebhookSettings } from "./webhook-settings";

const pageSize = 25;
/** How many blocking deliveries are shown. */
const blockingShown = 3;
/** How many running replays are shown. */
const replaysShown = 3;

/** Adds the page to `router`. */
export function webhookPage(router: Router): void {
  router.get("/webhooks/:uuid", signedIn("webhooks:read"), async (c) => {
    const webhook = await webhookInPath(c);
    const { view, filters } = readView((name) => c.req.query(name));
    // Titles contain texts of events, which require a scope.
    const withTitles = mayReadTexts(c.var.caller);
    const [subscriptions, stats, history, blocking, replays, page] = await Promise.all([
      listSubscriptions(c.env, webhook.uuid),
      askLane(c.env, webhook.uuid, (lane) => lane.stats()),
      askLane(c.env, webhook.uuid, (lane) => lane.history()),
      askLane(c.env, webhook.uuid, (lane) => lane.blockedBy(blockingShown, { withTitles })),
      askLane(c.env, webhook.uuid, (lane) => lane.runningReplays(replaysShown)),
      isInvalid(filters)
        ? null
        : askLane(c.env, webhook.uuid, (lane) => lane.deliveries({ ...queryOf(view, pageSize), withTitles })),
    ]);
    // The lane's state is authoritative; the row in D1 may lag behind.
    const { state, disabledReason } = stats ?? webhook;
    const mayWrite = allows(c.var.caller.scopes, "webhooks:write");
    const scripts = ["/in-place.js", "/live.js", "/copy.js"] as const;

    return renderPage(
      c,
      { title: nameOf(webhook), user: c.var.caller, section: "/", scripts },
      <>
        <div class="page-header">
          <div>
            <Breadcrumbs links={{ "/": "Webhooks" }} />
            <h1>{nameOf(webhook)}</h1>
            <span class="muted">{hostOf(webhook)}</span>
          </div>
          <div class="row">
            <span
              class="live"
              data-live={`${webhookPath(webhook)}/live`}
              data-parts="webhook-state webhook-news webhook-activity webhook-log"
              hidden
            >
              Live
            </span>
            <div id="webhook-state" class="row">
              <StateBadge state={state} />
              {mayWrite && <StateForm webhook={webhook} state={state} />}
            </div>
            {mayWrite && <TestAndEdit webhook={webhook} />}
          </div>
        </div>
        <div id="outcome" aria-live="polite">
          <OutcomeNotice outcome={takeOutcome(c)} />
        </div>
        <div id="webhook-news">
          {state === "disabled" && disabledReason && (
            <p class="notice bad">
              <strong>Disabled:</strong> {disabledReason}
            </p>
          )}
          {stats !== null && blocking !== null && (
            <BlockingDeliveries webhook={webhook} stats={stats} deliveries={blocking} mayWrite={mayWrite} />
          )}
          {replays !== null && <RunningReplays {...{ webhook, replays, mayWrite }} />}
        </div>
        <Activity webhook={webhook} stats={stats} history={history} view={view} />
        <DeliveryLog {...{ webhook, subscriptions, page, view, filters }} />
        <div class="grid">
          <WebhookSettings webhook={webhook} route={await routeOfWebhook(readConfig(c.env), webhook)} />
          <EventSubscriptions subscriptions={subscriptions} />
        </div>
        <VerifySignature />
        {mayWrite && <Manage webhook={webhook} />}
      </>,
    );
  });
}

/** Pause or resume, whichever applies. */
function StateForm({ webhook, state }: { webhook: Webhook; state: LaneState }) {
  return state === "active" ? (
    <form method="post" action={`${webhookPath(webhook)}/pause`} data-in-place={changedParts}>
      <button class="button" type="submit">
        Pause
      </button>
    </form>
  ) : (
    <form method="post" action={`${webhookPath(webhook)}/resume`} data-in-place={changedParts}>
      <button class="button primary" type="submit">
        Resume
      </button>
    </form>
  );
}

function TestAndEdit({ webhook }: { webhook: Webhook }) {
  return (
    <>
      <form method="post" action={`${webhookPath(webhook)}/test`} data-in-place="outcome">
        <input type="hidden" name="back" value="webhook" />
        <button class="button" type="submit">
          Test
        </button>
      </form>
      <a class="button" href={`${webhookPath(webhook)}/edit`}>
        Edit
      </a>
    </>
  );
}
