/** Which part of a webhook's log is looked at, and over which time its charts are drawn: what an address says of it. */
import type { Webhook } from "../../db/webhooks";
import type { LogQuery, ShownStatus } from "../../delivery/delivery-log";
import { deliveryStatusSchema } from "../../http/deliveries/schemas";
import { cursorParamSchema } from "../../http/list-params";
import { parseUtc, utcText } from "../parts/utc-time";
import { pathOf } from "./names";
import type { Range } from "./periods";

/** Times in ms, `until` excluded; `cursor`: only deliveries below this sequence. */
export type LogView = {
  status?: ShownStatus;
  eventType?: string;
  since?: number;
  until?: number;
  cursor?: number;
  range: Range;
};

/** Reads an address' query. What makes no sense in it filters nothing. */
export function readView(given: (name: string) => string | undefined): LogView {
  return {
    status: deliveryStatusSchema.safeParse(given("status")).data,
    eventType: given("event_type")?.trim() || undefined,
    since: parseUtc(given("since") ?? "") ?? undefined,
    until: parseUtc(given("until") ?? "") ?? undefined,
    cursor: cursorParamSchema.safeParse(given("cursor")).data,
    range: given("range") === "hour" ? "hour" : "day",
  };
}

/** What the lane is asked for. */
export function queryOf({ status, eventType, since, until, cursor }: LogView, limit: number): LogQuery {
  return { status, eventType, since, until, before: cursor, limit };
}

/** Whether the log is limited to anything. */
export function isFiltered({ status, eventType, since, until }: LogView): boolean {
  return [status, eventType, since, until].some((value) => value !== undefined);
}

/** @returns the address of a view, with the part of the page that it is about. */
export function viewPath(webhook: Pick<Webhook, "uuid">, view: LogView, part: "log" | "fares"): string {
  const { status, eventType, since, until, cursor, range } = view;
  const query = new URLSearchParams();
  if (range === "hour") query.set("range", range);
  if (status !== undefined) query.set("status", status);
  if (eventType !== undefined) query.set("event_type", eventType);
  if (since !== undefined) query.set("since", utcText(since));
  if (until !== undefined) query.set("until", utcText(until));
  if (cursor !== undefined) query.set("cursor", String(cursor));
  return `${pathOf(webhook)}${query.size === 0 ? "" : `?${query.toString()}`}#${part}-title`;
}
