/** Reading a shard's events: a page of a list, one event, and those that a webhook matches. */
import type { HandoverEvent } from "../../lane/handover";
import type { ArchiveFilters, FullArchivedEvent } from "../archived-event";
import type { ListedEvent, ListedPage } from "../list-events";
import { textColumns, withTitle } from "../event-names";
import type { SourcePage } from "../merge-pages";
import { possibleRepeat } from "../possible-repeat";
import { type EventRow, eventColumns } from "./event-tables";
import type { RoutingReplica } from "./routing-replica";
import type { ShardStore } from "./shard-store";

/** The routing that the shard goes by. */
type Routing = Pick<RoutingReplica, "matchOne">;

/** How many events one call looks at: a rare filter must not hold up the shard. */
const scannedMax = 20_000;
/** Of these, the ones that a webhook matches. */
const matchedAtOnce = 1000;

/** `before`: only events with a lower id of this shard; 0: all. `withNames`: also tell names and titles. */
export type ShardQuery = ArchiveFilters & { limit: number; before: number; withNames?: boolean };

/** What a webhook may have missed: `after` is an id of this shard; times of acceptance in ms, `until` excluded. */
export type MatchingRange = { after: number; since: number; until: number; limit: number };

/** Newest first. A page may hold fewer than `limit` and still have a next one. */
export function listEvents({ sql, tables, record }: ShardStore, query: ShardQuery): ListedPage {
  const { limit, before, since, until } = query;
  const oldest = tables.oldest();
  if (oldest === null) return { items: [], next: null, coveredTo: 0, newest: 0, reachesBackTo: null };
  const last = until === undefined ? tables.lastId : tables.firstIdSince(until) - 1;
  const top = Math.min(last, before === 0 ? Number.POSITIVE_INFINITY : before - 1);
  const bottom = since === undefined ? oldest.id : tables.firstIdSince(since);
  const lowest = Math.max(bottom, top - scannedMax + 1);
  const { condition, bindings } = conditionOf(query);
  const rows: ListedRow[] = [];
  for (const table of tables.between(lowest, top).toReversed()) {
    const found = sql.exec<ListedRow>(
      `SELECT id, place, uuid, type, timestamp, project_uuid, job_uuid, accepted_at,
         ${textColumns(query.withNames === true)} FROM ${table}
       WHERE id BETWEEN ? AND ?${condition} ORDER BY id DESC LIMIT ?`,
      lowest,
      top,
      ...bindings,
      limit - rows.length,
    );
    rows.push(...found);
    if (rows.length === limit) break;
  }
  const reached = rows.length === limit ? (rows.at(-1)?.id ?? lowest) : lowest;
  return {
    items: rows.map(({ id, place, ...event }) => ({
      id,
      at: event.accepted_at,
      place,
      item: withTitle(event),
    })),
    next: reached <= bottom ? null : reached,
    coveredTo: tables.read(reached)?.accepted_at ?? 0,
    newest: top,
    reachesBackTo: oldest.acceptedAt,
    completeSince: record.get().completeSince,
  };
}

type ListedRow = ListedEvent & { id: number; place: number; body: string | null };

/** @returns null when the shard does not have it, or its text not any more. */
export function findEvent({ seen, tables }: ShardStore, uuid: string): FullArchivedEvent | null {
  const known = seen.find([uuid]).get(uuid);
  const event = known === undefined ? null : tables.read(known.id);
  if (event === null) return null;
  const { id: _id, routing_version: _version, place: _place, ...found } = event;
  return found;
}

/**
 * The events of one page that a webhook's subscriptions match now, oldest first: there may be none, and a next page.
 * @param webhookId its id in D1.
 */
export function readMatching(
  { sql, tables }: ShardStore,
  routing: Routing,
  { webhookId, after, since, until, limit }: MatchingRange & { webhookId: number },
): SourcePage<HandoverEvent> {
  const first = Math.max(after + 1, tables.firstIdSince(since));
  const end = tables.firstIdSince(until) - 1;
  const last = Math.min(end, first + matchedAtOnce - 1);
  const rows = tables
    .between(first, last)
    .flatMap((table) =>
      sql
        .exec<EventRow>(
          `SELECT ${eventColumns} FROM ${table} WHERE id BETWEEN ? AND ? ORDER BY id`,
          first,
          last,
        )
        .toArray(),
    );
  const matched = matchedBy(routing, webhookId, rows).slice(0, limit);
  const reached = matched.length === limit ? (matched.at(-1)?.id ?? last) : last;
  return {
    items: matched.flatMap(({ id }) => {
      const event = tables.read(id);
      return event === null
        ? []
        : { id, at: event.accepted_at, place: event.place, item: possibleRepeat(event) };
    }),
    next: reached >= end ? null : reached,
    coveredTo: tables.read(reached)?.accepted_at ?? 0,
  };
}

function matchedBy(routing: Routing, webhookId: number, rows: readonly EventRow[]): EventRow[] {
  const byTopic = [...Map.groupBy(rows, (row) => `${row.type} ${row.project_uuid} ${row.job_uuid}`).values()];
  const topics = byTopic.flatMap(([row]) =>
    row === undefined ? [] : { type: row.type, projectUuid: row.project_uuid, jobUuid: row.job_uuid },
  );
  const matched = routing.matchOne(webhookId, topics);
  return byTopic.flatMap((rows, topic) => (matched.has(topic) ? rows : [])).toSorted((a, b) => a.id - b.id);
}

/** Times are not among the conditions: ids rise with them. */
function conditionOf({ type, projectUuid, jobUuid }: ArchiveFilters): {
  condition: string;
  bindings: string[];
} {
  const conditions: [string, string | undefined][] = [
    ["type = ?", type],
    ["project_uuid = ?", projectUuid],
    ["job_uuid = ?", jobUuid],
  ];
  let condition = "";
  const bindings: string[] = [];
  for (const [one, value] of conditions) {
    if (value === undefined) continue;
    condition += ` AND ${one}`;
    bindings.push(value);
  }
  return { condition, bindings };
}
