/** `GET /job-failures`: asks to confirm turning the switch for many webhooks, and lists them. */
import {
  type SwitchPlan,
  planSwitchChange,
  type SwitchedWebhook,
  type SwitchChange,
} from "../../../webhooks/job-failure-switch";
import { FieldError } from "../../../platform/errors";
import { cursorParamSchema } from "../../../http/list-params";
import type { Router } from "../../../http/router";
import { signedIn } from "../../current-user";
import { renderPage } from "../../layout";
import { webhooks } from "../../parts/quantities";
import { count } from "../../parts/format-numbers";
import { FormButtons } from "../../parts/form-buttons";
import { OutcomeNotice, takeOutcome } from "../../parts/outcome";
import { hostOf, listPath, nameOf, webhookPath } from "../names-and-paths";
import { fingerprint } from "./turn-switch";
import { jobFailureTypes, atSubscriptionLimit, readTurn } from "./job-failure-types";

/** The most webhooks that the page lists by name. It counts the others. */
const namedMax = 500;

/**
 * Adds the page to `router`. `to` is `on` or `off`; `after`: where the list starts. It redirects back when no webhook
 * would change.
 */
export function confirmJobFailures(router: Router): void {
  router.get("/job-failures", signedIn("webhooks:write"), async (c) => {
    const turn = readTurn(c.req.query("to"));
    if (turn === null) throw new FieldError("to", "must be on or off.");
    const after = cursorParamSchema.safeParse(c.req.query("after")).data ?? 0;
    const back = listPath(c.req.query("after"));
    const plan = await planSwitchChange(c.env.DB, turn);
    if (plan.webhooks.length === 0) return c.redirect(back, 303);
    const title = titleOf(turn, plan);

    return renderPage(
      c,
      { title, user: c.var.caller, section: "/" },
      <section class="card form-card" aria-labelledby="confirm-title">
        <h1 id="confirm-title">{title}</h1>
        <OutcomeNotice outcome={takeOutcome(c)} />
        <Explanation turn={turn} />
        <Names webhooks={plan.webhooks} />
        {plan.full.length > 0 && (
          <>
            <p>
              Skipped, {atSubscriptionLimit}: {webhooks(plan.full.length)}.
            </p>
            <Names webhooks={plan.full} />
          </>
        )}
        <p>You can undo this for an hour.</p>
        <form id="job-failures-confirm" method="post" action="/job-failures">
          <input type="hidden" name="to" value={turn.isOn ? "on" : "off"} />
          {after > 0 && <input type="hidden" name="after" value={after} />}
          <input type="hidden" name="confirmed" value={await fingerprint(turn, plan)} />
          <FormButtons
            submit={`Turn ${turn.isOn ? "on" : "off"} for ${webhooks(plan.webhooks.length)}`}
            tone={turn.isOn ? "primary" : "danger"}
            cancel={back}
          />
        </form>
      </section>,
    );
  });
}

function titleOf({ isOn }: SwitchChange, plan: SwitchPlan): string {
  const many = webhooks(plan.webhooks.length);
  return isOn ? `Notify ${many} when a job run fails?` : `Stop notifying ${many} when a job run fails?`;
}

function Explanation({ turn: { isOn } }: { turn: SwitchChange }) {
  const [first, second] = jobFailureTypes;
  return isOn ? (
    <p>
      These webhooks will be subscribed to <code>{first}</code> and <code>{second}</code> for all projects and
      jobs:
    </p>
  ) : (
    <p>
      These webhooks will be unsubscribed from <code>{first}</code> and <code>{second}</code>. Wildcards and
      subscriptions for a project or job stay:
    </p>
  );
}

function Names({ webhooks: named }: { webhooks: SwitchedWebhook[] }) {
  return (
    <ul>
      {named.slice(0, namedMax).map((webhook) => (
        <li>
          <a href={webhookPath(webhook)}>{nameOf(webhook)}</a>{" "}
          {webhook.name.trim() !== "" && <span class="muted small">{hostOf(webhook)}</span>}
        </li>
      ))}
      {named.length > namedMax && <li class="muted">and {count(named.length - namedMax)} more</li>}
    </ul>
  );
}
