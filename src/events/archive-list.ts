/** Queries on the archive: a page of events, and one event. */
import { endsOfSlots, eventColumns, inEverySlot, requestEventsMax, requestOfEvent } from "./archive-slots";

/** An event of the archive without its source text; `accepted_at` in ms. */
export type ArchivedEvent = {
  id: number;
  uuid: string;
  type: string;
  timestamp: string;
  project_uuid: string | null;
  job_uuid: string | null;
  accepted_at: number;
};

/** The filters of a list: `since` (inclusive) and `until` (exclusive) in ms; `before`: only events with a lower id. */
export type ArchiveQuery = {
  type?: string;
  projectUuid?: string;
  jobUuid?: string;
  since?: number;
  until?: number;
  limit: number;
  before?: number;
};

/**
 * A page of the archive. `next`: to be passed as `before` for the next page; null at the end. `reachesBackTo`: when the
 * oldest event of the archive was accepted, in ms; null when the archive is empty.
 */
export type ArchivePage = { events: ArchivedEvent[]; next: number | null; reachesBackTo: number | null };

/** The most events that one call scans, so that a filter with few matches does not block the database. */
const scannedMax = 20_000;
/** The factor by which each range of ids is longer than the one before it. */
const rangeGrowth = 10;
/** Concurrent requests may be archived in another order than their times of acceptance, by less than this. */
const disorderMs = 60_000;

const columns = "id, uuid, type, timestamp, project_uuid, job_uuid, accepted_at";

/** @returns a page of events, newest first. It may have fewer events than `limit`, or none, and still a next page. */
export async function listArchive(db: D1Database, query: ArchiveQuery): Promise<ArchivePage> {
  const bounds = await readBounds(db, query.before);
  if (bounds === null) return { events: [], next: null, reachesBackTo: null };
  const { sql, bindings } = conditionsOf(query);
  const events: ArchivedEvent[] = [];
  let lowest = bounds.top + 1;
  // Without filters the first range fills the page. With them, longer and longer ranges are scanned.
  for (let length = query.limit; events.length < query.limit; length *= rangeGrowth) {
    const highest = lowest - 1;
    lowest = Math.max(highest - length + 1, bounds.top - scannedMax + 1);
    const { results } = await db
      .prepare(
        `SELECT ${columns} FROM events WHERE request BETWEEN ? AND ? AND id BETWEEN ? AND ? ${sql}
         ORDER BY id DESC LIMIT ?`,
      )
      .bind(lowest - requestEventsMax, highest, lowest, highest, ...bindings, query.limit - events.length)
      .all<ArchivedEvent>();
    events.push(...results);
    if (lowest <= bounds.oldest || lowest <= bounds.top - scannedMax + 1) break;
  }
  const reached = events.length === query.limit ? (events.at(-1)?.id ?? lowest) : lowest;
  const isEnd = reached <= bounds.oldest || (await endsBefore(db, reached, query.since));
  return { events, next: isEnd ? null : reached, reachesBackTo: bounds.reaches_back_to };
}

/** The names of an event's project and job, from its text; null where it has none. */
export type EventNames = { project: string | null; job: string | null };

/** Longer names are cut. */
const nameCharactersMax = 100;

/** @returns the names in the events with these ids, by id. Ids that the archive does not have are absent. */
export async function readEventNames(
  db: D1Database,
  ids: readonly number[],
): Promise<Map<number, EventNames>> {
  if (ids.length === 0) return new Map();
  const { results } = await db
    .prepare(
      `SELECT id, ${nameAt("$.project.name")} AS project, ${nameAt("$.project.job.name")} AS job FROM (${inEverySlot(
        (slot) => `SELECT j.value AS id, (a.events->(j.value - a.id))->>5 AS body
          FROM json_each(?1) j CROSS JOIN ${requestOfEvent(slot, "j.value")}`,
      )})`,
    )
    .bind(JSON.stringify(ids))
    .all<EventNames & { id: number }>();
  return new Map(results.map(({ id, project, job }) => [id, { project, job }]));
}

/** @returns SQL for the text at a path of the body; NULL for a body that is nested too deep for SQLite's JSON parser. */
function nameAt(path: "$.project.name" | "$.project.job.name"): string {
  return `CASE WHEN json_valid(body) THEN substr(body->>'${path}', 1, ${nameCharactersMax}) END`;
}

/** An event with its source text. `publisher`: the id of a `Publisher`; null for events from before it was recorded. */
export type FullArchivedEvent = ArchivedEvent & { body: string; publisher: string | null };

/** @returns the event with this uuid, or null when the archive does not have it (any more). */
export function findArchived(db: D1Database, uuid: string): Promise<FullArchivedEvent | null> {
  return db
    .prepare(
      inEverySlot(
        (slot) => `SELECT a.id + u.place AS id, ${eventColumns("(a.events->u.place)")},
            (a.events->u.place)->>6 AS publisher
          FROM archive_uuids_${slot} u CROSS JOIN archive_${slot} a ON a.id = u.request WHERE u.uuid = ?1`,
      ),
    )
    .bind(uuid)
    .first<FullArchivedEvent>();
}

type Bounds = { top: number; oldest: number; reaches_back_to: number };

/** @returns the range of ids to list: up to `top`, and the archive's oldest event. Null for an empty archive. */
async function readBounds(db: D1Database, before: number | undefined): Promise<Bounds | null> {
  const row = await db
    .prepare(
      `SELECT (SELECT max(last) FROM (${endsOfSlots("DESC")})) AS newest, id AS oldest, accepted_at AS reaches_back_to
       FROM (${endsOfSlots("ASC")}) ORDER BY id LIMIT 1`,
    )
    .first<{ newest: number; oldest: number; reaches_back_to: number }>();
  if (row === null) return null;
  return { ...row, top: before === undefined ? row.newest : Math.min(before - 1, row.newest) };
}

/** Whether every event below an id was accepted before `since` (ms). */
async function endsBefore(db: D1Database, id: number, since: number | undefined): Promise<boolean> {
  if (since === undefined) return false;
  const next = await db
    .prepare(
      `SELECT accepted_at FROM (${inEverySlot(
        (slot) => `SELECT * FROM (SELECT * FROM archive_${slot} WHERE id < ?1 ORDER BY id DESC LIMIT 1)`,
      )}) ORDER BY id DESC LIMIT 1`,
    )
    .bind(id)
    .first<number>("accepted_at");
  return next === null || next < since - disorderMs;
}

function conditionsOf({ type, projectUuid, jobUuid, since, until }: ArchiveQuery): {
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
