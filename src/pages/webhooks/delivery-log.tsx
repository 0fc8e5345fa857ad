/** The delivery log on a webhook's page: filters, one page of deliveries, and a pager. */
import type { Subscription } from "../../webhooks/subscriptions";
import type { Webhook } from "../../webhooks/webhooks";
import type { LogPage } from "../../lane/delivery-log";
import { shownStatuses } from "../../lane/delivery-log";
import { statusLabel } from "../parts/badges";
import { TimeRangeFields } from "../parts/time-range-fields";
import { SelectField, TextField } from "../parts/field";
import { Pager } from "../parts/pager";
import { LogTable } from "./log-table";
import { type Filters, isFiltered, isInvalid, type LogView, viewPath } from "./log-view";
import { webhookPath } from "./names-and-paths";

/** @param props.page null when the lane did not respond, or was not asked because a filter is invalid. */
export function DeliveryLog({
  webhook,
  subscriptions,
  page,
  view,
  filters,
}: {
  webhook: Webhook;
  subscriptions: Subscription[];
  page: LogPage | null;
  view: LogView;
  filters: Filters;
}) {
  const next = page?.next ?? null;
  return (
    <section class="card" aria-labelledby="log-title">
      <h2 id="log-title">Deliveries</h2>
      <FilterForm {...{ webhook, subscriptions, view, filters }} />
      <div id="webhook-log" class="stack">
        {page === null && (
          <p class="notice bad">
            {isInvalid(filters)
              ? "No deliveries are listed because a filter is invalid. See the error below the field."
              : "Deliveries are unavailable right now. No data is lost: try again."}
          </p>
        )}
        {page !== null && page.deliveries.length > 0 && (
          <LogTable webhook={webhook} deliveries={page.deliveries} />
        )}
        {page?.deliveries.length === 0 && <p class="empty">{emptyText(page, view, filters)}</p>}
        <Pager
          label="Pages of deliveries"
          links={[
            view.cursor !== undefined && [viewPath(webhook, { ...view, cursor: undefined }, "log"), "Newest"],
            next !== null && [viewPath(webhook, { ...view, cursor: next }, "log"), "Older"],
          ]}
        />
      </div>
    </section>
  );
}

function FilterForm({
  webhook,
  subscriptions,
  view: { range },
  filters,
}: {
  webhook: Webhook;
  subscriptions: Subscription[];
  view: LogView;
  filters: Filters;
}) {
  const { typed, errors } = filters;
  const subscribed = new Set(subscriptions.map((one) => one.eventType).filter((type) => !type.includes("*")));
  const statuses = shownStatuses.map((option) => [option, statusLabel(option)] as const);
  return (
    <form
      class="filters"
      method="get"
      action={`${webhookPath(webhook)}#log-title`}
      role="search"
      aria-label="Deliveries"
    >
      {range === "hour" && <input type="hidden" name="range" value={range} />}
      <SelectField
        name="status"
        label="Status"
        value={typed.status}
        options={[["", "All"], ...statuses]}
        error={errors.status}
      />
      <TextField
        name="event_type"
        label="Event type"
        type="search"
        list="subscribed-types"
        autocomplete="off"
        spellcheck="false"
        placeholder="All"
        value={typed.event_type}
      />
      <datalist id="subscribed-types">
        {[...subscribed].map((type) => (
          <option value={type}></option>
        ))}
      </datalist>
      <div class="row">
        <button class="button" type="submit">
          Filter
        </button>
        {isFiltered(filters) && (
          <a class="button quiet" href={viewPath(webhook, { range }, "log")}>
            Clear
          </a>
        )}
      </div>
      <details class="wide" open={typed.since + typed.until !== ""}>
        <summary>Time range</summary>
        <div class="grid">
          <TimeRangeFields typed={typed} errors={errors} />
        </div>
      </details>
    </form>
  );
}

function emptyText(page: LogPage, view: LogView, filters: Filters): string {
  if (page.next !== null) return "No matches on this page. There are older deliveries.";
  if (view.cursor !== undefined) return "No older deliveries.";
  return isFiltered(filters) ? "No deliveries match the filters." : "No deliveries yet.";
}
