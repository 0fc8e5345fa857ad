/**
 * The switch "Notify me when a job run fails", as Orchest's settings page has it: it stands for two subscriptions of
 * every webhook, and leaves all others alone.
 */
import {
  type Spread,
  countHearing,
  countSubscribed,
  subscribeAll,
  unsubscribeAll,
} from "../../db/subscriptions";
import { patternsFor } from "../../events/patterns";
import { audit } from "../../http/audit/audit";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { webhooks } from "../parts/amounts";
import { count } from "../parts/figures";
import { backTo, type Outcome } from "../parts/outcome";
import { readForm } from "../parts/read-form";
import { listPath } from "./names";

/** Orchest's own choice of what the failure of a job run is. */
export const jobFailureTypes = [
  "project:one-off-job:pipeline-run:failed",
  "project:cron-job:run:pipeline-run:failed",
] as const;

/** What the outcome of the switch is about. */
const about = "job-failures";

/** The parts of the list that the switch changes. */
const changedParts = "job-failures job-failures-outcome webhooks";

/** Adds the form to `router`. Its field `to` is `on` or `off`; `after`: where the list begins. */
export function switchJobFailures(router: Router): void {
  router.post("/job-failures", signedIn("webhooks:write"), async (c) => {
    const form = await readForm(c);
    const isOn = form.get("to") === "on";
    const change = isOn ? subscribeAll : unsubscribeAll;
    const changed = await change(c.env, jobFailureTypes);
    if (changed > 0) {
      const action = isOn ? "job_failures.switched_on" : "job_failures.switched_off";
      await audit(c, { action, detail: webhooks(changed) });
    }
    const outcome = isOn ? switchedOn(changed) : await switchedOff(c.env, changed);
    return backTo(c, listPath(form.get("after")), { ...outcome, about });
  });
}

/** Whether an outcome is the switch's, which shows it itself. */
export function isOfSwitch(outcome: Outcome | null): boolean {
  return outcome?.about === about;
}

/** How far the switch is on. */
export function jobFailuresSpread(env: Env): Promise<Spread> {
  return countSubscribed(env, jobFailureTypes);
}

function switchedOn(changed: number): Outcome {
  return changed === 0
    ? { tone: "good", text: "Nothing was to change: every webhook hears of failed job runs already." }
    : { tone: "good", text: `On: ${webhooks(changed)} will now hear of failed job runs, too.` };
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

/** @param props.outcome of this visit; shown if it is the switch's. @param props.after where the list begins. */
export function JobFailuresSwitch({
  spread,
  outcome,
  mayWrite,
  after,
}: {
  spread: Spread;
  outcome: Outcome | null;
  mayWrite: boolean;
  after: number;
}) {
  const isOn = spread.withAll === spread.webhooks;
  const isOff = spread.withAll + spread.withSome === 0;
  return (
    <section class="card switch-card" aria-labelledby="job-failures-label">
      <div id="job-failures" class="row">
        {mayWrite ? (
          <form class="row" method="post" action="/job-failures" data-in-place={changedParts}>
            {after > 0 && <input type="hidden" name="after" value={after} />}
            <button
              class="switch"
              type="submit"
              role="switch"
              aria-checked={isOn ? "true" : "false"}
              aria-describedby="job-failures-state"
              name="to"
              value={isOn ? "off" : "on"}
            >
              <span class="switch-track" aria-hidden="true"></span>
              <span id="job-failures-label">Notify me when a job run fails</span>
            </button>
            {!isOn && !isOff && (
              <button class="button quiet small" type="submit" name="to" value="off">
                Off for all
              </button>
            )}
          </form>
        ) : (
          <strong id="job-failures-label">Notifications when a job run fails</strong>
        )}
        <span id="job-failures-state" class="muted small">
          {stateText(spread)}
        </span>
      </div>
      <div id="job-failures-outcome" role="status">
        {outcome !== null && isOfSwitch(outcome) && <p class={`notice ${outcome.tone}`}>{outcome.text}</p>}
      </div>
    </section>
  );
}

function stateText({ webhooks: all, withAll, withSome }: Spread): string {
  if (withAll === all) return all === 1 ? "On" : `On for all ${webhooks(all)}`;
  if (withAll + withSome === 0) return "Off";
  const partly = withSome > 0 ? `, for ${count(withSome)} in part` : "";
  return `On for ${count(withAll)} of ${webhooks(all)}${partly}`;
}
