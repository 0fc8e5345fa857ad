/** A webhook's activity: counts, backlog, success rate and latency, also as charts. */
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

/** @param props.stats null when the lane did not respond, like `history`. */
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
        <h2 id="activity-title">Activity</h2>
        <RangeChoice webhook={webhook} view={view} />
      </div>
      <div id="webhook-activity" class="stack">
        {stats === null ? (
          <p class="notice bad">Metrics are unavailable right now. No data is lost: try again.</p>
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
    <nav class="row" aria-label="Time range of the charts">
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
            {count(counts.pending)} pending, {count(counts.failed)} retrying
          </span>
        )}
      </Count>
      {backlog > 0 && (
        <Count label="Oldest pending">
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
    { label: "Last 24 hours", ...lastDay },
  ];
  return (
    <Table
      label="Success rate and latency"
      columns={[
        { label: <span class="visually-hidden">Period</span> },
        { label: "Attempts", number: true },
        { label: "Success rate", number: true },
        { label: "p50", number: true },
        { label: "p95", number: true },
        { label: "p99", number: true },
      ]}
    >
      {windows.map(({ label, attempts, success_rate: rate, p50_ms, p95_ms, p99_ms }) => (
        <tr>
          <th scope="row">{label}</th>
          <Cell label="Attempts" number>
            {count(attempts)}
          </Cell>
          <Cell label="Success rate" number>
            {successRate(rate)}
          </Cell>
          <Cell label="p50" number>
            {duration(p50_ms)}
          </Cell>
          <Cell label="p95" number>
            {duration(p95_ms)}
          </Cell>
          <Cell label="p99" number>
            {duration(p99_ms)}
          </Cell>
        </tr>
      ))}
    </Table>
  );
}
