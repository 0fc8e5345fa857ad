/** How a webhook fares: what waits, what arrived, how fast, and all that over time. */
import type { PropsWithChildren } from "hono/jsx";
import type { Webhook } from "../../webhooks/webhooks";
import type { Bucket } from "../../lane/stats";
import type { LaneStats } from "../../lane/lane-stats";
import { count, duration, successRate } from "../parts/format-numbers";
import { Cell, Table } from "../parts/table";
import { Time } from "../parts/time";
import { Charts } from "./charts";
import { type LogView, viewPath } from "./log-view";
import { ranges } from "./periods";

/** @param props.stats null where the lane did not answer, as `history`. */
export function Activity({
  webhook,
  stats,
  history,
  view,
}: {
  webhook: Webhook;
  stats: LaneStats | null;
  history: Bucket[] | null;
  view: LogView;
}) {
  return (
    <section class="card" aria-labelledby="activity-title">
      <div class="row spread">
        <h2 id="activity-title">How it fares</h2>
        <RangeChoice webhook={webhook} view={view} />
      </div>
      <div id="webhook-activity" class="stack">
        {stats === null ? (
          <p class="notice bad">The figures cannot be read right now. Nothing is lost: try again.</p>
        ) : (
          <>
            <Counts {...stats} />
            <Charts history={history} range={view.range} now={Date.now()} />
            <Windows {...stats} />
          </>
        )}
      </div>
    </section>
  );
}

function RangeChoice({ webhook, view }: { webhook: Webhook; view: LogView }) {
  return (
    <nav class="row" aria-label="Time of the charts">
      {(["hour", "day"] as const).map((range) => (
        <a
          class={`button small ${range === view.range ? "primary" : "quiet"}`}
          href={viewPath(webhook, { ...view, range }, "activity")}
          aria-current={range === view.range ? "true" : undefined}
        >
          {ranges[range].name.replace(/^l/, "L")}
        </a>
      ))}
    </nav>
  );
}

function Counts({ counts, backlog, oldestPendingAt, nextAttemptAt }: LaneStats) {
  return (
    <dl class="figures">
      <Count label="Delivered">{count(counts.delivered)}</Count>
      <Count label="Backlog">
        {count(backlog)}
        {backlog > 0 && (
          <span class="muted">
            {count(counts.pending)} pending, {count(counts.failed)} waiting for a retry
          </span>
        )}
      </Count>
      {backlog > 0 && (
        <Count label="Oldest accepted">
          <Time at={oldestPendingAt} />
        </Count>
      )}
      <Count label="Dead letters">{count(counts.dead)}</Count>
      <Count label="Next retry">
        <Time at={nextAttemptAt} otherwise="None" />
      </Count>
    </dl>
  );
}

function Count({ label, children }: PropsWithChildren<{ label: string }>) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Windows({ lastHour, lastDay }: LaneStats) {
  const windows = [
    { label: "Last hour", ...lastHour },
    { label: "Last day", ...lastDay },
  ];
  return (
    <Table
      label="Success and latency"
      columns={[
        { label: <span class="visually-hidden">Period</span> },
        { label: "Attempts", number: true },
        { label: "Success", number: true },
        { label: "Half within", number: true },
        { label: "95% within", number: true },
        { label: "99% within", number: true },
      ]}
    >
      {windows.map(({ label, attempts, success_rate: rate, p50_ms, p95_ms, p99_ms }) => (
        <tr>
          <th scope="row">{label}</th>
          <Cell label="Attempts" number>
            {count(attempts)}
          </Cell>
          <Cell label="Success" number>
            {successRate(rate)}
          </Cell>
          <Cell label="Half within" number>
            {duration(p50_ms)}
          </Cell>
          <Cell label="95% within" number>
            {duration(p95_ms)}
          </Cell>
          <Cell label="99% within" number>
            {duration(p99_ms)}
          </Cell>
        </tr>
      ))}
    </Table>
  );
}
