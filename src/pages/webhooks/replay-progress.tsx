/** `GET /webhooks/{uuid}/replays/{replay}`: the progress and result of a replay. */
import { allows } from "../../auth/scopes";
import type { Webhook } from "../../webhooks/webhooks";
import type { LaneState } from "../../lane/lane-record";
import type { ReplayProgress } from "../../lane/replay-progress";
import { RequestError } from "../../platform/errors";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { times } from "../parts/quantities";
import { count } from "../parts/format-numbers";
import { OutcomeNotice, takeOutcome } from "../parts/outcome";
import { Progress } from "../parts/progress";
import { Time } from "../parts/time";
import { Breadcrumbs } from "../parts/breadcrumbs";
import { webhookInPath } from "./path-params";
import { viewPath } from "./log-view";
import { nameOf, webhookPath } from "./names-and-paths";
import { StopReplay } from "./running-replays";
import { laneOf } from "../../lane/lane-of";

/** Adds the page to `router`. */
export function replayProgressPage(router: Router): void {
  router.get("/webhooks/:uuid/replays/:replay", signedIn("webhooks:read"), async (c) => {
    const webhook = await webhookInPath(c);
    const lane = laneOf(c.env, webhook.uuid);
    const id = c.req.param("replay").toLowerCase();
    const progress = await lane.replayProgress(id);
    if (progress === null) {
      throw new RequestError(404, "Replay not found. It may have finished long ago.");
    }
    const state = (await lane.stats())?.state ?? webhook.state;
    const mayWrite = allows(c.var.caller.scopes, "webhooks:write");
    const refreshWithoutScripts = !progress.done;
    return renderPage(
      c,
      {
        title: `Replay to ${nameOf(webhook)}`,
        user: c.var.caller,
        section: "/",
        scripts: ["/live.js"],
        refreshWithoutScripts,
      },
      <section class="card form-card" aria-labelledby="replay-title">
        <Breadcrumbs links={{ "/": "Webhooks", [webhookPath(webhook)]: nameOf(webhook) }} />
        <h1 id="replay-title">Replay</h1>
        <OutcomeNotice outcome={takeOutcome(c)} />
        <div class="stack">
          <div id="replay-progress" class="stack">
            <Progress
              label={labelOf(progress)}
              value={progress.sent}
              max={progress.isExact ? progress.queued : null}
              poll={progress.done ? undefined : "replay-progress replay-end"}
            />
            {!progress.done && <Obstacle progress={progress} state={state} />}
            {!progress.done && mayWrite && <StopReplay webhook={webhook} id={id} />}
          </div>
          <div id="replay-end" role="status">
            {progress.done && <Result webhook={webhook} progress={progress} />}
          </div>
          <p>
            <a class="button" href={webhookPath(webhook)}>
              Back to webhook
            </a>
          </p>
        </div>
      </section>,
    );
  });
}

function labelOf({ done, stopped }: ReplayProgress): string {
  if (stopped) return "Stopped";
  return done ? "Replayed" : "Replaying";
}

/** Why the replay makes no progress, if so. */
function Obstacle({ progress, state }: { progress: ReplayProgress; state: LaneState }) {
  const { failures, retryAt } = progress;
  if (state !== "active") {
    return <p class="notice warn">The webhook is {state}: the replay continues when it is resumed.</p>;
  }
  if (retryAt === null) return <p class="muted">You can leave this page: the replay continues.</p>;
  return (
    <p class="notice warn">
      The next delivery failed {times(failures)} and blocks the others. Next attempt{" "}
      <Time at={Math.max(retryAt, Date.now())} />.
    </p>
  );
}

function Result({ webhook, progress }: { webhook: Webhook; progress: ReplayProgress }) {
  const { sent, givenUp, stopped } = progress;
  if (stopped) return <Stopped progress={progress} />;
  if (sent === 0) return <p class="notice">There was nothing to replay.</p>;
  const delivered = sent - givenUp;
  if (givenUp === 0) {
    return <p class="notice good">Done: {count(sent)} delivered.</p>;
  }
  return (
    <p class="notice bad">
      Done: {count(delivered)} delivered, {count(givenUp)} dead again.{" "}
      <a href={viewPath(webhook, { status: "dead", range: "day" }, "log")}>View dead letters</a>
    </p>
  );
}

function Stopped({ progress: { queued, isExact, sent, givenUp } }: { progress: ReplayProgress }) {
  const unsent = queued - sent;
  return (
    <p class="notice warn">
      Stopped: {count(sent - givenUp)} delivered{givenUp > 0 && `, ${count(givenUp)} dead again`},{" "}
      {isExact ? count(unsent) : "the rest"} not sent.
    </p>
  );
}
