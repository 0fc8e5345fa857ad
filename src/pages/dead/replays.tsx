/** `GET /dead/replays?of={webhook}:{replay}&of=…`: the progress of replays of dead letters. */
import type { Context } from "hono";
import { allows } from "../../auth/scopes";
import { listByUuids, type WebhookWithDeadLetters } from "../../webhooks/dead-letters";
import type { ReplayProgress } from "../../lane/replay-progress";
import { cursorParamSchema } from "../../http/list-params";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { times, webhooks } from "../parts/quantities";
import { askLane } from "../parts/ask-lane";
import { count } from "../parts/format-numbers";
import { OutcomeNotice, takeOutcome } from "../parts/outcome";
import { Progress } from "../parts/progress";
import { Time } from "../parts/time";
import { Breadcrumbs } from "../parts/breadcrumbs";
import { nameOf, webhookPath } from "../webhooks/names-and-paths";
import { deadPathOf, readReplay, webhooksPerForm } from "./paths";

/** The parts of the page that change while it runs. */
const liveParts = "replays replays-end";

/** A replay and its webhook. `progress`: "unknown" when it finished long ago, null when the lane did not respond. */
type ReplayOfWebhook = { webhook: WebhookWithDeadLetters; progress: ReplayProgress | "unknown" | null };

/** The total over all replays, as far as known. */
type Sum = { queued: number; isExact: boolean; sent: number; givenUp: number; isDone: boolean };

/** Adds the page to `router`. */
export function deadReplays(router: Router): void {
  router.get("/dead/replays", signedIn("webhooks:read"), async (c) => {
    const replays = await readReplays(c);
    const sum = sumOf(replays);
    const next = cursorParamSchema.safeParse(c.req.query("after")).data;
    const mayWrite = allows(c.var.caller.scopes, "webhooks:write");

    return renderPage(
      c,
      {
        title: "Replaying dead letters",
        user: c.var.caller,
        section: "/dead",
        scripts: ["/live.js"],
        refreshWithoutScripts: !sum.isDone,
      },
      <>
        <div class="page-header">
          <div>
            <Breadcrumbs links={{ "/dead": "Dead letters" }} />
            <h1>Replaying dead letters</h1>
          </div>
        </div>
        <OutcomeNotice outcome={takeOutcome(c)} />
        <div id="replays-end" role="status">
          {replays.some(({ progress }) => progress !== "unknown") && <OverallState sum={sum} />}
        </div>
        <div id="replays">
          {replays.length > 1 && (
            <section class="card" aria-label="All together">
              <Bar label={`All ${webhooks(replays.length)}`} sum={sum} isFirst />
            </section>
          )}
          {replays.map((one) => (
            <WebhookReplay {...one} isFirst={replays.length === 1} />
          ))}
        </div>
        {replays.length === 0 && <p class="empty">Replay not found. It may have finished long ago.</p>}
        {next !== undefined && mayWrite && <Continue after={next} />}
      </>,
    );
  });
}

async function readReplays(c: Context<AppEnv>): Promise<ReplayOfWebhook[]> {
  const named = (c.req.queries("of") ?? [])
    .flatMap((text) => readReplay(text) ?? [])
    .slice(0, webhooksPerForm);
  const known = await listByUuids(
    c.env.DB,
    named.map(({ webhook }) => webhook),
  );
  const asked = named.map(async ({ webhook: uuid, replay }): Promise<ReplayOfWebhook[]> => {
    const webhook = known.find((one) => one.uuid === uuid);
    if (webhook === undefined) return [];
    const progress = await askLane(
      c.env,
      uuid,
      async (lane) => (await lane.replayProgress(replay)) ?? "unknown",
    );
    return [{ webhook, progress }];
  });
  return (await Promise.all(asked)).flat();
}

/** Of a finished replay, only the deliveries that it sent count: the others had been delivered before. */
function sumOf(replays: ReplayOfWebhook[]): Sum {
  const sum = { queued: 0, isExact: true, sent: 0, givenUp: 0, isDone: true };
  for (const { progress } of replays) {
    if (progress === "unknown") continue;
    if (progress === null || !progress.done) sum.isDone = false;
    if (progress === null) continue;
    sum.queued += progress.done ? progress.sent : progress.queued;
    sum.isExact &&= progress.isExact;
    sum.sent += progress.sent;
    sum.givenUp += progress.givenUp;
  }
  return sum;
}

function Bar({ label, sum, isFirst }: { label: string; sum: Sum; isFirst: boolean }) {
  // The first bar refreshes the page while a replay runs.
  const poll = isFirst && !sum.isDone ? liveParts : undefined;
  return <Progress label={label} value={sum.sent} max={sum.isExact ? sum.queued : null} poll={poll} />;
}

function WebhookReplay({ webhook, progress, isFirst }: ReplayOfWebhook & { isFirst: boolean }) {
  const name = nameOf(webhook);
  return (
    <section class="card" aria-label={name}>
      {progress !== "unknown" && <Bar label={name} sum={sumOf([{ webhook, progress }])} isFirst={isFirst} />}
      <p class="small">
        <State webhook={webhook} progress={progress} />{" "}
        <a href={webhookPath(webhook)}>
          View webhook<span class="visually-hidden"> {name}</span>
        </a>
      </p>
    </section>
  );
}

function State({ webhook, progress }: ReplayOfWebhook) {
  if (progress === "unknown") return <>{nameOf(webhook)}: this replay finished long ago.</>;
  if (progress === null) return <>Progress is unavailable right now.</>;
  if (progress.done) return <Result webhook={webhook} progress={progress} />;
  if (webhook.state !== "active") {
    return <strong>The webhook is {webhook.state}: nothing is sent until it is resumed.</strong>;
  }
  if (progress.retryAt !== null) {
    return (
      <>
        The next delivery failed {times(progress.failures)} and blocks the others. Next attempt{" "}
        <Time at={Math.max(progress.retryAt, Date.now())} />.
      </>
    );
  }
  return <>Replaying.</>;
}

function Result({
  webhook,
  progress: { queued, sent, givenUp, stopped },
}: {
  webhook: WebhookWithDeadLetters;
  progress: ReplayProgress;
}) {
  const unsent = queued - sent;
  return (
    <>
      {count(sent - givenUp)} delivered
      {givenUp > 0 && (
        <>
          , <a href={deadPathOf(webhook.uuid)}>{count(givenUp)} dead again</a>
        </>
      )}
      {unsent > 0 &&
        `, ${count(unsent)} ${stopped ? "not sent: the replay was stopped" : "already delivered"}`}
      .
    </>
  );
}

/** The overall state. It does not change until the end, so that screen readers announce only the end. */
function OverallState({ sum: { sent, givenUp, isDone } }: { sum: Sum }) {
  if (!isDone) return <p class="notice info">You can leave this page: the replay continues.</p>;
  if (givenUp === 0) return <p class="notice good">Done: {count(sent)} delivered.</p>;
  return (
    <p class="notice warn">
      Done: {count(sent - givenUp)} delivered, {count(givenUp)} dead again.
    </p>
  );
}

/** The button to continue when there are more webhooks than one form replays. */
function Continue({ after }: { after: number }) {
  return (
    <form class="card row spread" method="post" action="/dead/replay">
      <p class="flush">These are {webhooksPerForm} webhooks. More webhooks have dead letters.</p>
      <input type="hidden" name="all" value="yes" />
      <input type="hidden" name="after" value={after} />
      <button class="button" type="submit" name="confirmed" value="yes">
        Continue
      </button>
    </form>
  );
}
