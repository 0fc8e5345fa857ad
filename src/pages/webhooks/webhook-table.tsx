/** The table of webhooks: state, subscriptions, metrics and a test button. */
import type { FirstSubscriptions } from "../../webhooks/subscriptions";
import type { Webhook } from "../../webhooks/webhooks";
import type { LaneStats } from "../../lane/lane-stats";
import { StateBadge } from "../parts/badges";
import { count, successRate } from "../parts/format-numbers";
import type { Outcome } from "../parts/outcome";
import { Cell, Table } from "../parts/table";
import { Time } from "../parts/time";
import { hostOf, nameOf, webhookPath } from "./names-and-paths";
import { testOutcomeId } from "./test-ping";

/** `stats`: null when the lane did not respond. */
type Row = { webhook: Webhook; subscriptions: FirstSubscriptions; stats: LaneStats | null };

/**
 * The props that all rows have. `after`: where this page of the list starts, for the redirect. `outcome`: of a test.
 */
type Shared = { mayTest: boolean; after: number; outcome: Outcome | null };

/** @param props.rows a page of the list. */
export function WebhookTable({ rows, ...shared }: { rows: Row[] } & Shared) {
  return (
    <Table
      label="Webhooks"
      columns={[
        "Name",
        "State",
        "Events",
        { label: "Success, last hour", number: true },
        { label: "Backlog", number: true },
        { label: "Dead letters", number: true },
        "Next retry",
        shared.mayTest && "Test",
      ]}
    >
      {rows.map((row) => (
        <WebhookRow {...row} {...shared} />
      ))}
    </Table>
  );
}

function WebhookRow({ webhook, subscriptions, stats, mayTest, after, outcome }: Row & Shared) {
  // The lane's state is authoritative; the row in D1 may lag behind.
  const { state, disabledReason } = stats ?? webhook;
  return (
    <tr>
      <th scope="row">
        <div>
          <a href={webhookPath(webhook)}>{nameOf(webhook)}</a>
          <div class="muted small">{hostOf(webhook)}</div>
        </div>
      </th>
      <Cell label="State">
        <StateBadge state={state} />
        {state === "disabled" && disabledReason && <div class="muted small">{disabledReason}</div>}
      </Cell>
      <Cell label="Events">
        <Subscriptions {...subscriptions} />
      </Cell>
      <Cell label="Success, last hour" number>
        {stats ? successRate(stats.lastHour.success_rate) : <Unknown />}
      </Cell>
      <Cell label="Backlog" number>
        {stats ? count(stats.backlog) : <Unknown />}
      </Cell>
      <Cell label="Dead letters" number>
        {stats ? count(stats.counts.dead) : <Unknown />}
      </Cell>
      <Cell label="Next retry">
        {stats ? <Time at={stats.nextAttemptAt} otherwise="None" /> : <Unknown />}
      </Cell>
      {mayTest && (
        <Cell label="Test">
          <form method="post" action={`${webhookPath(webhook)}/test`} data-in-place={testOutcomeId(webhook)}>
            {after > 0 && <input type="hidden" name="after" value={after} />}
            <button class="button small waits" type="submit">
              Test<span class="visually-hidden"> {nameOf(webhook)}</span>
            </button>
          </form>
          <div id={testOutcomeId(webhook)} class="test-outcome small" role="status">
            {outcome?.about === webhook.uuid && <span class={`verdict ${outcome.tone}`}>{outcome.text}</span>}
          </div>
        </Cell>
      )}
    </tr>
  );
}

function Subscriptions({ first, total }: FirstSubscriptions) {
  if (total === 0) return <span class="muted">None</span>;
  return (
    <div class="small event-types">
      {first.map(({ eventType }) => (
        <div>{eventType}</div>
      ))}
      {total > first.length && <div class="muted">and {count(total - first.length)} more</div>}
    </div>
  );
}

function Unknown() {
  return (
    <span class="muted" title="Metrics are unavailable right now.">
      –<span class="visually-hidden"> unavailable</span>
    </span>
  );
}
