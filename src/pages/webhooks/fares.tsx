/** How a webhook fares: what waits, what arrived, and how fast. */
import type { LaneStats } from "../../delivery/webhook-lane";
import { Cell } from "../parts/cell";
import { count, duration, successRate } from "../parts/figures";
import { Time } from "../parts/time";

/** @param props.stats null where the lane did not answer. */
export function Fares({ stats }: { stats: LaneStats | null }) {
  return (
    <section class="card" aria-labelledby="fares-title">
      <h2 id="fares-title">How it fares</h2>
      {stats === null ? (
        <p class="notice bad">The figures cannot be read right now. Nothing is lost: try again.</p>
      ) : (
        <>
          <Counts {...stats} />
          <Windows {...stats} />
        </>
      )}
    </section>
  );
}

function Counts({ counts, backlog, oldestPendingAt, nextAttemptAt }: LaneStats) {
  return (
    <dl class="facts">
      <dt>Delivered</dt>
      <dd>{count(counts.delivered)}</dd>
      <dt>Backlog</dt>
      <dd>
        {count(backlog)}
        {backlog > 0 && (
          <span class="muted">
            {" "}
            ({count(counts.pending)} pending, {count(counts.failed)} waiting for a retry)
          </span>
        )}
      </dd>
      {backlog > 0 && (
        <>
          <dt>Oldest accepted</dt>
          <dd>
            <Time at={oldestPendingAt} />
          </dd>
        </>
      )}
      <dt>Dead letters</dt>
      <dd>{count(counts.dead)}</dd>
      <dt>Next retry</dt>
      <dd>
        <Time at={nextAttemptAt} otherwise="None" />
      </dd>
    </dl>
  );
}

function Windows({ lastHour, lastDay }: LaneStats) {
  const windows = [
    { label: "Last hour", ...lastHour },
    { label: "Last day", ...lastDay },
  ];
  return (
    <div class="table-scroll" role="region" aria-label="Success and latency" tabindex={0}>
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">
              <span class="visually-hidden">Period</span>
            </th>
            <th scope="col" class="number">
              Attempts
            </th>
            <th scope="col" class="number">
              Success
            </th>
            <th scope="col" class="number">
              Half within
            </th>
            <th scope="col" class="number">
              95% within
            </th>
            <th scope="col" class="number">
              99% within
            </th>
          </tr>
        </thead>
        <tbody>
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
        </tbody>
      </table>
    </div>
  );
}
