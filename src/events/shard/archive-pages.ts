/** Reading a shard's events: a page of a list, one event, and those that a webhook matches. */
import { handoverEventOf } from "../handovers";
import type { ArchivedEvent, ArchivePage, ArchiveQuery, FullArchivedEvent } from "../archive-list";
import type { ArchivePage as MatchingPage, ArchiveRange } from "../../lane/events-port";
import { type EventRow, eventColumns } from "./event-tables";
import type { RoutingReplica } from "./routing-replica";
import type { ShardStore } from "./shard-store";

/** The routing that the shard goes by. */
type Routing = Pick<RoutingReplica, "matchOne">;

/** How many events one call looks at: a rare filter must not hold up the shard. */
const scannedMax = 20_000;
/** Of these, the ones that a webhook matches. */
const matchedAtOnce = 1000;

/** Newest first. A page may hold fewer than `limit` and still have a next one. `before` and `next` are ids of this shard. */
export function listEvents({ sql, tables }: ShardStore, query: ArchiveQuery): ArchivePage {
  const { limit, before, since, until } = query;
  const oldest = tables.oldest();
  if (oldest === null) return { events: [], next: null, reachesBackTo: null };
  const last = until === undefined ? tables.lastId : tables.firstIdSince(until) - 1;
  const top = Math.min(last, (before ?? Number.POSITIVE_INFINITY) - 1);
  const bottom = since === undefined ? oldest.id : tables.firstIdSince(since);
  const lowest = Math.max(bottom, top - scannedMax + 1);
  const { condition, bindings } = conditionOf(query);
  const events: ArchivedEvent[] = [];
  for (const table of tables.between(lowest, top).toReversed()) {
    const rows = sql.exec<ArchivedEvent>(
      `SELECT id, uuid, type, timestamp, project_uuid, job_uuid, accepted_at FROM ${table}
       WHERE id BETWEEN ? AND ?${condition} ORDER BY id DESC LIMIT ?`,
      lowest,
      top,
      ...bindings,
      limit - events.length,
    );
    events.push(...rows);
    if (events.length === limit) break;
  }
  const reached = events.length === limit ? (events.at(-1)?.id ?? lowest) : lowest;
  return { events, next: reached <= bottom ? null : reached, reachesBackTo: oldest.acceptedAt };
}

/** @returns null when the shard does not have it, or its text not any more. */
export function findEvent({ seen, tables }: ShardStore, uuid: string): FullArchivedEvent | null {
  const known = seen.find([uuid]).get(uuid);
  return known === undefined ? null : tables.read(known.id);
}

/**
 * The events of one page that a webhook's subscriptions match now, oldest first: there may be none, and a next page.
 * @param webhookId its id in D1.
 */
export function readMatching(
  { sql, tables }: ShardStore,
  routing: Routing,
  { webhookId, after, since, until, limit }: ArchiveRange & { webhookId: number },
): MatchingPage {
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
  const events = matched.flatMap(({ id }) => tables.read(id) ?? []);
  return { events: events.map(handoverEventOf), next: reached >= end ? null : reached };
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
function conditionOf({ type, projectUuid, jobUuid }: ArchiveQuery): {
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
