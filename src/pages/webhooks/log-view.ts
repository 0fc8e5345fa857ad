/** The query of a webhook's page: the filters and position of the delivery log, and the time range of the charts. */
import type { Webhook } from "../../webhooks/webhooks";
import type { LogQuery, ShownStatus } from "../../lane/delivery-log";
import { shownStatuses } from "../../lane/delivery-log";
import { cursorParamSchema } from "../../http/list-params";
import { parseUtc, utcText } from "../parts/utc-time";
import { timeError, quoted, endError } from "../parts/filter-errors";
import { webhookPath } from "./names-and-paths";
import type { Range } from "./periods";

/** Times in ms, `until` excluded. `cursor`: only deliveries with a lower sequence number. */
export type LogView = {
  status?: ShownStatus;
  eventType?: string;
  since?: number;
  until?: number;
  cursor?: number;
  range: Range;
};

const filterNames = ["status", "event_type", "since", "until"] as const;

type FilterName = (typeof filterNames)[number];

/** The log's filters as typed. `errors`: sentences that say what is wrong with a filter and what is allowed. */
export type Filters = {
  typed: Record<FilterName, string>;
  errors: Partial<Record<FilterName, string>>;
};

/** Reads the query. An invalid filter is reported in `errors`; an invalid cursor or range is ignored. */
export function readView(given: (name: string) => string | undefined): { view: LogView; filters: Filters } {
  const text = (name: FilterName): string => given(name)?.trim() ?? "";
  const typed = {
    status: text("status"),
    event_type: text("event_type"),
    since: text("since"),
    until: text("until"),
  };
  const view: LogView = {
    status: shownStatuses.find((status) => status === typed.status),
    eventType: typed.event_type || undefined,
    since: parseUtc(typed.since) ?? undefined,
    until: parseUtc(typed.until) ?? undefined,
    cursor: cursorParamSchema.safeParse(given("cursor")).data,
    range: given("range") === "hour" ? "hour" : "day",
  };
  return { view, filters: { typed, errors: errorsIn(typed, view) } };
}

function errorsIn(typed: Filters["typed"], { status, since, until }: LogView): Filters["errors"] {
  const errors: Filters["errors"] = {};
  if (typed.status !== "" && status === undefined) {
    errors.status = `${quoted(typed.status)} is not a status. Choose one from the list.`;
  }
  if (typed.since !== "" && since === undefined) errors.since = timeError(typed.since);
  if (typed.until !== "" && until === undefined) errors.until = timeError(typed.until);
  const end = endError(since, until);
  if (end !== undefined) errors.until = end;
  return errors;
}

/** The query for the lane. */
export function queryOf({ status, eventType, since, until, cursor }: LogView, limit: number): LogQuery {
  return { status, eventType, since, until, before: cursor, limit };
}

/** Whether any filter is set, valid or not. */
export function isFiltered({ typed }: Filters): boolean {
  return filterNames.some((name) => typed[name] !== "");
}

/** Whether a filter is invalid, so that nothing can be listed. */
export function isInvalid({ errors }: Filters): boolean {
  return Object.keys(errors).length > 0;
}

/** @returns the path of a view, with the fragment of a section of the page. */
export function viewPath(webhook: Pick<Webhook, "uuid">, view: LogView, section: "log" | "activity"): string {
  const { status, eventType, since, until, cursor, range } = view;
  const query = new URLSearchParams();
  if (range === "hour") query.set("range", range);
  if (status !== undefined) query.set("status", status);
  if (eventType !== undefined) query.set("event_type", eventType);
  if (since !== undefined) query.set("since", utcText(since));
  if (until !== undefined) query.set("until", utcText(until));
  if (cursor !== undefined) query.set("cursor", String(cursor));
  return `${webhookPath(webhook)}${query.size === 0 ? "" : `?${query.toString()}`}#${section}-title`;
}
