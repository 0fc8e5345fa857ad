/** Queries on the old archive: a page of events, and a single event. */
import type { ArchiveFilters, FullArchivedEvent } from "../archived-event";
import { textColumns, withTitle } from "../event-names";
import type { ListedEvent, ListedPage } from "../list-events";
import { endsOfSlots, eventColumns, inEverySlot, requestEventsMax } from "./slots";

/** `before`: only events with a lower id; 0: all. */
type OldQuery = ArchiveFilters & { limit: number; before: number; withNames?: boolean };

/** The most events that one call scans, so that a filter with few matches does not block the database. */
const scannedMax = 20_000;
/** The factor by which each range of ids is longer than the one before it. */
const rangeGrowth = 10;
/** Concurrent requests may be archived in another order than their times of acceptance, by less than this. */
const disorderMs = 60_000;

const columns = "id, uuid, type, timestamp, project_uuid, job_uuid, accepted_at";

/** @returns a page of events, newest first. It may have fewer events than `limit`, or none, and still a next page. */
export async function listOldArchive(db: D1Database, query: OldQuery): Promise<ListedPage> {
  const bounds = await readBounds(db, query.before);
  if (bounds === null) return { items: [], next: null, coveredTo: 0, newest: 0, reachesBackTo: null };
  const { sql, bindings } = conditionsOf(query);
  const events: ListedRow[] = [];
  let lowest = bounds.top + 1;
  // Without filters the first range fills the page. With them, longer and longer ranges are scanned.
  for (let length = query.limit; events.length < query.limit; length *= rangeGrowth) {
    const highest = lowest - 1;
    lowest = Math.max(highest - length + 1, bounds.top - scannedMax + 1);
    const { results } = await db
      .prepare(
        `SELECT ${columns}, ${textColumns(query.withNames === true)}
         FROM events WHERE request BETWEEN ? AND ? AND id BETWEEN ? AND ? ${sql} ORDER BY id DESC LIMIT ?`,
      )
      .bind(lowest - requestEventsMax, highest, lowest, highest, ...bindings, query.limit - events.length)
      .all<ListedRow>();
    events.push(...results);
    if (lowest <= bounds.oldest || lowest <= bounds.top - scannedMax + 1) break;
  }
  const reached = events.length === query.limit ? (events.at(-1)?.id ?? lowest) : lowest;
  const earlier = reached <= bounds.oldest ? null : await acceptedBefore(db, reached);
  const isEnd = earlier === null || (query.since !== undefined && earlier < query.since - disorderMs);
  return {
    items: events.map(({ id, ...event }) => ({
      id,
      at: event.accepted_at,
      // Ids are in order.
      place: id,
      item: withTitle(event),
    })),
    next: isEnd ? null : reached,
    coveredTo: earlier ?? 0,
    newest: bounds.top,
    reachesBackTo: bounds.reaches_back_to,
  };
}

type ListedRow = ListedEvent & { id: number; body: string | null };

/** @returns the event with this uuid; null when the old archive does not have it, or no longer. */
export function findInOldArchive(db: D1Database, uuid: string): Promise<FullArchivedEvent | null> {
  return db
    .prepare(
      inEverySlot(
        (slot) => `SELECT ${eventColumns("(a.events->u.place)")},
            (a.events->u.place)->>6 AS publisher
          FROM archive_uuids_${slot} u CROSS JOIN archive_${slot} a ON a.id = u.request WHERE u.uuid = ?1`,
      ),
    )
    .bind(uuid)
    .first<FullArchivedEvent>();
}

type Bounds = { top: number; oldest: number; reaches_back_to: number };

/** @returns the range of ids to list: up to `top`, and the archive's oldest event. Null for an empty archive. */
async function readBounds(db: D1Database, before: number): Promise<Bounds | null> {
  const row = await db
    .prepare(
      `SELECT (SELECT max(last) FROM (${endsOfSlots("DESC")})) AS newest, id AS oldest, accepted_at AS reaches_back_to
       FROM (${endsOfSlots("ASC")}) ORDER BY id LIMIT 1`,
    )
    .first<{ newest: number; oldest: number; reaches_back_to: number }>();
  if (row === null) return null;
  return { ...row, top: before === 0 ? row.newest : Math.min(before - 1, row.newest) };
}

/** @returns when the newest event below an id was accepted, in ms; null when there is none. */
function acceptedBefore(db: D1Database, id: number): Promise<number | null> {
  return db
    .prepare(
      `SELECT accepted_at FROM (${inEverySlot(
        (slot) => `SELECT * FROM (SELECT * FROM archive_${slot} WHERE id < ?1 ORDER BY id DESC LIMIT 1)`,
      )}) ORDER BY id DESC LIMIT 1`,
    )
    .bind(id)
    .first<number>("accepted_at");
}

function conditionsOf({ type, projectUuid, jobUuid, since, until }: ArchiveFilters): {
  sql: string;
  bindings: (string | number)[];
} {
  const conditions: [string, string | number | undefined][] = [
    ["type = ?", type],
    ["project_uuid = ?", projectUuid],
    ["job_uuid = ?", jobUuid],
    ["accepted_at >= ?", since],
    ["accepted_at < ?", until],
  ];
  let sql = "";
  const bindings: (string | number)[] = [];
  for (const [condition, value] of conditions) {
    if (value === undefined) continue;
    sql += ` AND ${condition}`;
    bindings.push(value);
  }
  return { sql, bindings };
}
