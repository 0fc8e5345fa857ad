/** The switch on the list of webhooks, with an undo of its latest turn. */
import type { PastSwitchChange } from "../../../webhooks/job-failure-undo";
import type { SubscriptionCoverage } from "../../../webhooks/subscriptions";
import { webhooks } from "../../parts/quantities";
import { count } from "../../parts/format-numbers";
import type { Outcome } from "../../parts/outcome";
import { Time } from "../../parts/time";
import { isOfSwitch } from "./job-failure-types";

/** The parts of the list that the switch changes. */
const changedParts = "job-failures job-failures-outcome job-failures-latest webhooks";

/**
 * @param props.spread how many webhooks have the subscriptions. @param props.latest the turn that can be undone.
 * @param props.outcome of this visit; shown if it is about the switch. @param props.after where the list starts.
 */
export function JobFailuresSwitch({
  spread,
  latest,
  outcome,
  mayWrite,
  after,
}: {
  spread: SubscriptionCoverage;
  latest: PastSwitchChange | null;
  outcome: Outcome | null;
  mayWrite: boolean;
  after: number;
}) {
  return (
    <section class="card switch-card" aria-labelledby="job-failures-label">
      <div id="job-failures" class="row">
        {mayWrite ? (
          <SwitchForm spread={spread} after={after} />
        ) : (
          <>
            <strong id="job-failures-label">Notifications when a job run fails</strong>
            <State spread={spread} />
          </>
        )}
      </div>
      <div id="job-failures-outcome" role="status">
        {outcome !== null && isOfSwitch(outcome) && <p class={`notice ${outcome.tone}`}>{outcome.text}</p>}
      </div>
      <div id="job-failures-latest">{latest !== null && <Undo turn={latest} after={after} />}</div>
    </section>
  );
}

function SwitchForm({ spread, after }: { spread: SubscriptionCoverage; after: number }) {
  const isOn = spread.withAll === spread.webhooks;
  const isOff = spread.withAll + spread.withSome === 0;
  return (
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
      <State spread={spread} />
      {!isOn && !isOff && (
        <button class="button quiet small" type="submit" name="to" value="off">
          Turn off for all
        </button>
      )}
    </form>
  );
}

function State({ spread }: { spread: SubscriptionCoverage }) {
  return (
    <span id="job-failures-state" class="muted small">
      {stateText(spread)}
    </span>
  );
}

function Undo({ turn, after }: { turn: PastSwitchChange; after: number }) {
  return (
    <form
      id="job-failures-undo"
      class="row small"
      method="post"
      action="/job-failures/undo"
      data-in-place={changedParts}
    >
      <input type="hidden" name="switch" value={turn.uuid} />
      {after > 0 && <input type="hidden" name="after" value={after} />}
      <span class="muted">
        Turned {turn.isOn ? "on" : "off"} for {webhooks(turn.webhooks)} <Time at={turn.at} />.
      </span>
      <button class="button small" type="submit">
        Undo
      </button>
    </form>
  );
}

/** `On`, `Off`, `On for some (2 of 30)`; with the number of webhooks that have only one of the two subscriptions. */
function stateText({ webhooks: all, withAll, withSome }: SubscriptionCoverage): string {
  if (withAll === all) return "On";
  if (withAll + withSome === 0) return "Off";
  const partly = withSome > 0 ? `, ${count(withSome)} partly` : "";
  return `On for some (${count(withAll)} of ${count(all)}${partly})`;
}
