/** `GET /`: the list of webhooks, with state, subscriptions and metrics. */
import { allows } from "../../auth/scopes";
import { latestSwitchChange } from "../../webhooks/job-failure-undo";
import { countCoverage, listFirstSubscriptions } from "../../webhooks/subscriptions";
import { listWebhooksAfter } from "../../webhooks/webhooks";
import { cursorParamSchema } from "../../http/list-params";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { askLane } from "../parts/ask-lane";
import { OutcomeNotice, takeOutcome } from "../parts/outcome";
import { Pager } from "../parts/pager";
import { NoWebhooks } from "./no-webhooks";
import { JobFailuresSwitch } from "./job-failures/switch-card";
import { isOfSwitch, jobFailureTypes } from "./job-failures/job-failure-types";
import { WebhookTable } from "./webhook-table";

const pageSize = 25;
/** How many subscriptions the list shows per webhook. */
const subscriptionsShown = 3;

/** Adds the page to `router`. */
export function webhookList(router: Router): void {
  router.get("/", signedIn("webhooks:read"), async (c) => {
    const after = cursorParamSchema.safeParse(c.req.query("after")).data ?? 0;
    const found = await listWebhooksAfter(c.env, after, pageSize + 1);
    const webhooks = found.slice(0, pageSize);
    const mayWrite = allows(c.var.caller.scopes, "webhooks:write");
    const [spread, latest, starts, stats] = await Promise.all([
      countCoverage(c.env, jobFailureTypes),
      mayWrite ? latestSwitchChange(c.env.DB, Date.now()) : null,
      listFirstSubscriptions(
        c.env,
        webhooks.map(({ id }) => id),
        subscriptionsShown,
      ),
      Promise.all(webhooks.map(({ uuid }) => askLane(c.env, uuid, (lane) => lane.stats()))),
    ]);
    const rows = webhooks.map((webhook, index) => ({
      webhook,
      subscriptions: starts.get(webhook.id) ?? { first: [], total: 0 },
      stats: stats[index] ?? null,
    }));
    const outcome = takeOutcome(c);
    const isShownBelow = isOfSwitch(outcome) || rows.some(({ webhook }) => webhook.uuid === outcome?.about);
    const next = found.length > pageSize ? webhooks.at(-1) : undefined;

    return renderPage(
      c,
      { title: "Webhooks", user: c.var.caller, section: "/", scripts: ["/in-place.js"] },
      <>
        <div class="page-header">
          <h1>Webhooks</h1>
          {mayWrite && spread.webhooks > 0 && (
            <a class="button primary" href="/webhooks/new">
              Create webhook
            </a>
          )}
        </div>
        {!isShownBelow && <OutcomeNotice outcome={outcome} />}
        {spread.webhooks > 0 && <JobFailuresSwitch {...{ spread, latest, outcome, mayWrite, after }} />}
        {rows.length > 0 && (
          <div class="card" id="webhooks">
            <WebhookTable rows={rows} mayTest={mayWrite} after={after} outcome={outcome} />
          </div>
        )}
        {rows.length === 0 && after === 0 && <NoWebhooks mayWrite={mayWrite} />}
        {rows.length === 0 && after > 0 && <p class="empty">No more webhooks.</p>}
        <Pager
          label="Pages"
          links={[
            after > 0 && ["/", "First page"],
            next !== undefined && [`/?after=${next.id}`, "Next page"],
          ]}
        />
      </>,
    );
  });
}
