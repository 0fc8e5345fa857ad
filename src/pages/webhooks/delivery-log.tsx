/** The delivery log's place on a webhook's page: filters, a page of it, and the way to older ones. */
import type { Subscription } from "../../db/subscriptions";
import type { Webhook } from "../../db/webhooks";
import type { LogPage } from "../../delivery/delivery-log";
import { deliveryStatusSchema } from "../../http/deliveries/schemas";
import { statusLabel } from "../parts/badges";
import { SelectField, TextField } from "../parts/field";
import { Pager } from "../parts/pager";
import { utcText } from "../parts/utc-time";
import { LogTable } from "./log-table";
import { isFiltered, type LogView, viewPath } from "./log-view";
import { pathOf } from "./names";

/** @param props.page null where the lane did not answer. */
export function DeliveryLog({
  webhook,
  subscriptions,
  page,
  view,
}: {
  webhook: Webhook;
  subscriptions: Subscription[];
  page: LogPage | null;
  view: LogView;
}) {
  const next = page?.next ?? null;
  return (
    <section class="card" aria-labelledby="log-title">
      <h2 id="log-title">Deliveries</h2>
      <Filters webhook={webhook} subscriptions={subscriptions} view={view} />
      <div id="webhook-log" class="stack">
        {page === null && (
          <p class="notice bad">The deliveries cannot be read right now. Nothing is lost: try again.</p>
        )}
        {page !== null && page.deliveries.length > 0 && (
          <LogTable webhook={webhook} deliveries={page.deliveries} />
        )}
        {page?.deliveries.length === 0 && <p class="empty">{nothingHere(page, view)}</p>}
        <Pager
          label="Pages of the log"
          links={[
            view.cursor !== undefined && [viewPath(webhook, { ...view, cursor: undefined }, "log"), "Newest"],
            next !== null && [viewPath(webhook, { ...view, cursor: next }, "log"), "Older"],
          ]}
        />
      </div>
    </section>
  );
}

function Filters({
  webhook,
  subscriptions,
  view,
}: {
  webhook: Webhook;
  subscriptions: Subscription[];
  view: LogView;
}) {
  const { status, eventType, since, until, range } = view;
  const heard = new Set(subscriptions.map((one) => one.eventType).filter((type) => !type.includes("*")));
  const statuses = deliveryStatusSchema.options.map((option) => [option, statusLabel(option)] as const);
  return (
    <form
      class="filters"
      method="get"
      action={`${pathOf(webhook)}#log-title`}
      role="search"
      aria-label="Deliveries"
    >
      {range === "hour" && <input type="hidden" name="range" value={range} />}
      <SelectField name="status" label="Status" value={status ?? ""} options={[["", "All"], ...statuses]} />
      <TextField
        name="event_type"
        label="Event type"
        type="search"
        list="heard-types"
        autocomplete="off"
        spellcheck="false"
        placeholder="All"
        value={eventType}
      />
      <datalist id="heard-types">
        {[...heard].map((type) => (
          <option value={type}></option>
        ))}
      </datalist>
      <div class="row">
        <button class="button" type="submit">
          Filter
        </button>
        {isFiltered(view) && (
          <a class="button quiet" href={viewPath(webhook, { range }, "log")}>
            Clear
          </a>
        )}
      </div>
      <details class="wide" open={since !== undefined || until !== undefined}>
        <summary>Time</summary>
        <div class="grid">
          <TextField
            name="since"
            label="Accepted since (UTC)"
            type="datetime-local"
            value={since === undefined ? undefined : utcText(since)}
          />
          <TextField
            name="until"
            label="Accepted before (UTC)"
            type="datetime-local"
            value={until === undefined ? undefined : utcText(until)}
          />
        </div>
      </details>
    </form>
  );
}

function nothingHere(page: LogPage, view: LogView): string {
  if (page.next !== null) return "Nothing among these. There are older ones.";
  if (view.cursor !== undefined) return "There is nothing older.";
  return isFiltered(view) ? "No delivery is like that." : "Nothing was sent yet.";
}
