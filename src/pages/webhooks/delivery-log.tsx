/** The delivery log's place on a webhook's page: filters, a page of it, and the way to older ones. */
import type { Webhook } from "../../db/webhooks";
import type { LogPage, ShownStatus } from "../../delivery/delivery-log";
import { deliveryStatusSchema } from "../../http/deliveries/schemas";
import { statusLabel } from "../parts/badges";
import { LogTable } from "./log-table";
import { pathOf } from "./names";

/** What part of the log is shown: with this status, below this sequence. */
export type LogView = { status?: ShownStatus; cursor?: number };

/** @param props.page null where the lane did not answer. */
export function DeliveryLog({
  webhook,
  page,
  view,
}: {
  webhook: Webhook;
  page: LogPage | null;
  view: LogView;
}) {
  return (
    <section class="card" aria-labelledby="log-title">
      <h2 id="log-title">Deliveries</h2>
      <div class="stack">
        <Filters webhook={webhook} current={view.status} />
        {page === null && (
          <p class="notice bad">The deliveries cannot be read right now. Nothing is lost: try again.</p>
        )}
        {page !== null && page.deliveries.length > 0 && (
          <LogTable webhook={webhook} deliveries={page.deliveries} />
        )}
        {page?.deliveries.length === 0 && <p class="empty">{nothingHere(page, view)}</p>}
        <Pager webhook={webhook} view={view} next={page?.next ?? null} />
      </div>
    </section>
  );
}

function Filters({ webhook, current }: { webhook: Webhook; current?: ShownStatus }) {
  const choices = [undefined, ...deliveryStatusSchema.options];
  return (
    <nav class="row" aria-label="Filter by status">
      {choices.map((status) => (
        <a
          class={`button small ${status === current ? "primary" : "quiet"}`}
          href={logPath(webhook, { status })}
          aria-current={status === current ? "true" : undefined}
        >
          {status === undefined ? "All" : statusLabel(status)}
        </a>
      ))}
    </nav>
  );
}

function Pager({ webhook, view, next }: { webhook: Webhook; view: LogView; next: number | null }) {
  if (view.cursor === undefined && next === null) return null;
  return (
    <nav class="pager" aria-label="Pages of the log">
      {view.cursor !== undefined && (
        <a class="button quiet" href={logPath(webhook, { status: view.status })}>
          Newest
        </a>
      )}
      {next !== null && (
        <a class="button quiet" href={logPath(webhook, { status: view.status, cursor: next })}>
          Older
        </a>
      )}
    </nav>
  );
}

function nothingHere(page: LogPage, { status, cursor }: LogView): string {
  if (page.next !== null) return "Nothing among these. There are older ones.";
  if (cursor !== undefined) return "There is nothing older.";
  return status === undefined ? "Nothing was sent yet." : "There is no delivery with this status.";
}

function logPath(webhook: Webhook, { status, cursor }: LogView): string {
  const query = new URLSearchParams();
  if (status !== undefined) query.set("status", status);
  if (cursor !== undefined) query.set("cursor", String(cursor));
  return `${pathOf(webhook)}${query.size === 0 ? "" : `?${query.toString()}`}#log-title`;
}
