/** `GET /webhooks/{uuid}/replays/{replay}`: how far a replay has come, while it runs, and what came of it. */
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

/** @returns the path of a replay's page. */
export function replayPath(webhook: Pick<Webhook, "uuid">, id: string): string {
  return `${webhookPath(webhook)}/replays/${id}`;
}

/** Adds the page to `router`. */
export function replayProgressPage(router: Router): void {
  router.get("/webhooks/:uuid/replays/:replay", signedIn("webhooks:read"), async (c) => {
    const webhook = await webhookInPath(c);
    const lane = c.env.LANES.getByName(webhook.uuid);
    const progress = await lane.replayProgress(c.req.param("replay").toLowerCase());
    if (progress === null) {
      throw new RequestError(404, "There is no such replay. It may be so long done that it is forgotten.");
    }
    const state = (await lane.stats())?.state ?? webhook.state;
    const refreshWithoutScripts = !progress.done;
    return renderPage(
      c,
      {
        title: `Sending again to ${nameOf(webhook)}`,
        user: c.var.caller,
        section: "/",
        scripts: ["/live.js"],
        refreshWithoutScripts,
      },
      <section class="card form-card" aria-labelledby="replay-title">
        <Breadcrumbs links={{ "/": "Webhooks", [webhookPath(webhook)]: nameOf(webhook) }} />
        <h1 id="replay-title">Sending again</h1>
        <OutcomeNotice outcome={takeOutcome(c)} />
        <div class="stack">
          <div id="replay-progress" class="stack">
            <Progress
              label={progress.done ? "Sent again" : "Sending again"}
              value={progress.sent}
              max={progress.isExact ? progress.queued : null}
              poll={progress.done ? undefined : "replay-progress replay-end"}
            />
            {!progress.done && <Hindrance progress={progress} state={state} />}
          </div>
          <div id="replay-end" role="status">
            {progress.done && <End webhook={webhook} progress={progress} />}
          </div>
          <p>
            <a class="button" href={webhookPath(webhook)}>
              To the webhook
            </a>
          </p>
        </div>
      </section>,
    );
  });
}

/** Why it does not go on right now, if it does not. */
function Hindrance({ progress, state }: { progress: ReplayProgress; state: LaneState }) {
  const { failures, retryAt } = progress;
  if (state !== "active") {
    return <p class="notice warn">The webhook is {state}: this goes on as soon as it is resumed.</p>;
  }
  if (retryAt === null) return <p class="muted">You can leave this page: it goes on.</p>;
  return (
    <p class="notice warn">
      The next one failed {times(failures)} and holds up the others. It is tried again{" "}
      <Time at={Math.max(retryAt, Date.now())} />.
    </p>
  );
}

function End({ webhook, progress }: { webhook: Webhook; progress: ReplayProgress }) {
  const { sent, givenUp } = progress;
  if (sent === 0) return <p class="notice">There was nothing to send again.</p>;
  const arrived = sent - givenUp;
  if (givenUp === 0) {
    return (
      <p class="notice good">
        Done: {sent === 1 ? "the one delivery" : `all ${count(sent)} deliveries`} arrived.
      </p>
    );
  }
  return (
    <p class="notice bad">
      Done: {count(arrived)} of {count(sent)} arrived, and {count(givenUp)} {givenUp === 1 ? "was" : "were"}{" "}
      given up again.{" "}
      <a href={viewPath(webhook, { status: "dead", range: "day" }, "log")}>See the dead letters</a>
    </p>
  );
}
