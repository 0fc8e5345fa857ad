/** `POST /job-failures`: turns the switch. Where it would change many webhooks it asks first. */
import type { Context } from "hono";
import { type Plan, planTurn, type Turn, turnSwitch } from "../../../webhooks/job-failure-switch";
import { countHearing } from "../../../webhooks/subscriptions";
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
import { about, confirmPath, jobFailureTypes, mostSubscriptions, namesOf, readTurn } from "./types";

/** From more than so many webhooks on, a turn is confirmed first. */
const unaskedMax = 3;

const othersSince: Outcome = {
  tone: "warn",
  text: "Nothing was changed: the webhooks that this concerns are others by now. Look at them again.",
};

/**
 * Adds the form to `router`. Its field `to` is `on` or `off`; `after`: where the list begins; `confirmed`: of the page
 * that asks, which webhooks it named.
 */
export function switchJobFailures(router: Router): void {
  router.post("/job-failures", signedIn("webhooks:write"), async (c) => {
    const form = await readForm(c);
    const turn = readTurn(form.get("to"));
    if (turn === null) throw new FieldError("to", "must be on or off.");
    const after = form.get("after");
    const plan = await planTurn(c.env.DB, turn);
    if (plan.webhooks.length > unaskedMax) {
      const path = confirmPath(turn, cursorParamSchema.safeParse(after ?? "").data ?? 0);
      const confirmed = form.get("confirmed");
      if (confirmed === null) return c.redirect(path, 303);
      if (confirmed !== (await fingerprint(turn, plan))) return backTo(c, path, othersSince);
    }
    return backTo(c, listPath(after), { ...(await change(c, turn, plan)), about });
  });
}

/** A text that is another one for other webhooks, or the other turn: who confirms says to what. */
export async function fingerprint({ isOn }: Turn, plan: Plan): Promise<string> {
  const text = JSON.stringify([isOn, ...plan.webhooks.map(({ uuid }) => uuid)]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}

async function change(c: Context<AppEnv>, turn: Turn, plan: Plan): Promise<Outcome> {
  const webhookIds = plan.webhooks.map(({ id }) => id);
  const changed =
    webhookIds.length === 0 ? 0 : await turnSwitch(c.env.DB, turn, { at: Date.now(), webhookIds });
  if (changed > 0) {
    const action = turn.isOn ? "job_failures.switched_on" : "job_failures.switched_off";
    await audit(c, { action, detail: webhooks(changed) });
  }
  return turn.isOn ? switchedOn(changed, plan) : switchedOff(c.env, changed);
}

function switchedOn(changed: number, { full }: Plan): Outcome {
  const on = `On: ${webhooks(changed)} will now hear of failed job runs, too.`;
  if (full.length > 0) {
    const leftOut = `Left out, as ${mostSubscriptions}: ${namesOf(full)}.`;
    return { tone: "warn", text: `${changed === 0 ? "Nothing was changed." : on} ${leftOut}` };
  }
  return changed === 0
    ? { tone: "good", text: "Nothing was to change: every webhook hears of failed job runs already." }
    : { tone: "good", text: on };
}

async function switchedOff(env: Env, changed: number): Promise<Outcome> {
  const still = await countHearing(env, [...new Set(jobFailureTypes.flatMap(patternsFor))]);
  const off =
    changed === 0
      ? "Nothing was to change: it was off for every webhook."
      : `Off: the notification was taken from ${webhooks(changed)}.`;
  if (still === 0) return { tone: "good", text: off };
  const others = `${webhooks(still)} ${still === 1 ? "goes" : "go"} on hearing of some`;
  return {
    tone: "warn",
    text: `${off} ${others}, through a wildcard or for single projects or jobs: those subscriptions stay.`,
  };
}
