/** `GET /webhooks/{uuid}`: one webhook, how it fares, and its delivery log. */
import { allows } from "../../auth/scopes";
import { listSubscriptions } from "../../db/subscriptions";
import type { Webhook } from "../../db/webhooks";
import type { LaneState } from "../../delivery/lane-record";
import { deliveryStatusSchema } from "../../http/deliveries/schemas";
import { cursorParamSchema } from "../../http/list-params";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { askLane } from "../parts/ask-lane";
import { StateBadge } from "../parts/badges";
import { OutcomeNotice, takeOutcome } from "../parts/outcome";
import { DeliveryLog, type LogView } from "./delivery-log";
import { Fares } from "./fares";
import { Hears } from "./hears";
import { webhookInPath } from "./in-path";
import { hostOf, nameOf, pathOf } from "./names";
import { WebhookFacts } from "./webhook-facts";

const pageSize = 25;

/** Adds the page to `router`. */
export function webhookPage(router: Router): void {
  router.get("/webhooks/:uuid", signedIn("webhooks:read"), async (c) => {
    const webhook = await webhookInPath(c);
    // What makes no sense in an address filters nothing.
    const view: LogView = {
      status: deliveryStatusSchema.safeParse(c.req.query("status")).data,
      cursor: cursorParamSchema.safeParse(c.req.query("cursor")).data,
    };
    const query = { status: view.status, before: view.cursor, limit: pageSize };
    const [subscriptions, stats, page] = await Promise.all([
      listSubscriptions(c.env, webhook.uuid),
      askLane(c.env, webhook.uuid, (lane) => lane.stats()),
      askLane(c.env, webhook.uuid, (lane) => lane.deliveries(query)),
    ]);
    // The lane decides; its row may not have heard of it yet.
    const { state, disabledReason } = stats ?? webhook;

    return renderPage(
      c,
      { title: nameOf(webhook), user: c.var.caller, section: "/" },
      <>
        <div class="page-header">
          <div>
            <p class="small">
              <a href="/">Webhooks</a>
            </p>
            <h1>{nameOf(webhook)}</h1>
            <span class="muted">{hostOf(webhook)}</span>
          </div>
          <div class="row">
            <StateBadge state={state} />
            {allows(c.var.caller.scopes, "webhooks:write") && <StateForm webhook={webhook} state={state} />}
          </div>
        </div>
        <OutcomeNotice outcome={takeOutcome(c)} />
        {state === "disabled" && disabledReason && (
          <p class="notice bad">
            <strong>Disabled:</strong> {disabledReason}
          </p>
        )}
        <Fares stats={stats} />
        <DeliveryLog webhook={webhook} page={page} view={view} />
        <div class="grid">
          <WebhookFacts webhook={webhook} />
          <Hears subscriptions={subscriptions} />
        </div>
      </>,
    );
  });
}

/** The one change of state that makes sense now. */
function StateForm({ webhook, state }: { webhook: Webhook; state: LaneState }) {
  return state === "active" ? (
    <form method="post" action={`${pathOf(webhook)}/pause`}>
      <button class="button" type="submit">
        Pause
      </button>
    </form>
  ) : (
    <form method="post" action={`${pathOf(webhook)}/resume`}>
      <button class="button primary" type="submit">
        Resume
      </button>
    </form>
  );
}
