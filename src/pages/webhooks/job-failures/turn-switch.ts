/** `POST /job-failures`: turns the switch. Asks first when it would change many webhooks. */
import type { Context } from "hono";
import {
  type SwitchPlan,
  planSwitchChange,
  type SwitchChange,
  changeSwitch,
} from "../../../webhooks/job-failure-switch";
import { countWebhooksSubscribedTo } from "../../../webhooks/subscriptions";
import { FieldError } from "../../../platform/errors";
import { patternsFor } from "../../../events/patterns";
import { audit } from "../../../auth/audit";
import { cursorParamSchema } from "../../../http/list-params";
import type { AppEnv } from "../../../auth/app-env";
import type { Router } from "../../../http/router";
import { signedIn } from "../../current-user";
import { webhooks } from "../../parts/quantities";
import { backTo, type Outcome } from "../../parts/outcome";
import { readForm } from "../../parts/read-form";
import { listPath } from "../names-and-paths";
import {
  jobFailuresAbout,
  confirmPath,
  jobFailureTypes,
  atSubscriptionLimit,
  namesOf,
  readTurn,
} from "./job-failure-types";

/** A turn for more webhooks than this is confirmed first. */
const unconfirmedMax = 3;

const webhooksChanged: Outcome = {
  tone: "warn",
  text: "Nothing was changed, because the list of affected webhooks has changed. Review it again.",
};

/**
 * Adds the form to `router`. Its field `to` is `on` or `off`; `after`: where the list starts; `confirmed`: the
 * fingerprint of the webhooks that the confirmation page listed.
 */
export function switchJobFailures(router: Router): void {
  router.post("/job-failures", signedIn("webhooks:write"), async (c) => {
    const form = await readForm(c);
    const turn = readTurn(form.get("to"));
    if (turn === null) throw new FieldError("to", "must be on or off.");
    const after = form.get("after");
    const plan = await planSwitchChange(c.env.DB, turn);
    if (plan.webhooks.length > unconfirmedMax) {
      const path = confirmPath(turn, cursorParamSchema.safeParse(after ?? "").data ?? 0);
      const confirmed = form.get("confirmed");
      if (confirmed === null) return c.redirect(path, 303);
      if (confirmed !== (await fingerprint(turn, plan))) return backTo(c, path, webhooksChanged);
    }
    return backTo(c, listPath(after), { ...(await change(c, turn, plan)), about: jobFailuresAbout });
  });
}

/** A hash of the turn and its webhooks: a confirmation is valid only for the webhooks that were listed. */
export async function fingerprint({ isOn }: SwitchChange, plan: SwitchPlan): Promise<string> {
  const text = JSON.stringify([isOn, ...plan.webhooks.map(({ uuid }) => uuid)]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}

async function change(c: Context<AppEnv>, turn: SwitchChange, plan: SwitchPlan): Promise<Outcome> {
  const webhookIds = plan.webhooks.map(({ id }) => id);
  const changed =
    webhookIds.length === 0 ? 0 : await changeSwitch(c.env, turn, { at: Date.now(), webhookIds });
  if (changed > 0) {
    const action = turn.isOn ? "job_failures.switched_on" : "job_failures.switched_off";
    await audit(c, { action, detail: webhooks(changed) });
  }
  return turn.isOn ? switchedOn(changed, plan) : switchedOff(c.env, changed);
}

function switchedOn(changed: number, { full }: SwitchPlan): Outcome {
  const on = `On: ${webhooks(changed)} subscribed to failed job runs.`;
  if (full.length > 0) {
    const skipped = `Skipped, ${atSubscriptionLimit}: ${namesOf(full)}.`;
    return { tone: "warn", text: `${changed === 0 ? "Nothing was changed." : on} ${skipped}` };
  }
  return changed === 0
    ? { tone: "good", text: "No change: every webhook is already subscribed to failed job runs." }
    : { tone: "good", text: on };
}

async function switchedOff(env: Env, changed: number): Promise<Outcome> {
  const still = await countWebhooksSubscribedTo(env, [...new Set(jobFailureTypes.flatMap(patternsFor))]);
  const off =
    changed === 0
      ? "No change: it was already off for every webhook."
      : `Off: ${webhooks(changed)} unsubscribed from failed job runs.`;
  if (still === 0) return { tone: "good", text: off };
  const others = `${webhooks(still)} still ${still === 1 ? "receives" : "receive"} some`;
  return {
    tone: "warn",
    text: `${off} ${others}, through a wildcard or a subscription for a project or job.`,
  };
}
