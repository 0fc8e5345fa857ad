/** Reading the archive: a page of it, and one event. */

/** An event of the archive without its text; `accepted_at` in ms. */
export type ArchivedEvent = {
  id: number;
  uuid: string;
  type: string;
  timestamp: string;
  project_uuid: string | null;
  job_uuid: string | null;
  accepted_at: number;
};

/** What a list is limited to; times in ms, `until` excluded. `before`: only ids below. */
export type ArchiveQuery = {
  type?: string;
  projectUuid?: string;
  jobUuid?: string;
  since?: number;
  until?: number;
  limit: number;
  before?: number;
};

/** `next`: pass it as `before`; null at the end. `reachesBackTo`: when the oldest event was accepted; null without any. */
export type ArchivePage = { events: ArchivedEvent[]; next: number | null; reachesBackTo: number | null };

/** How many events one call looks at: a rare filter must not hold up the database. */
const scannedMax = 20_000;
/** Events that are accepted at the same time may be archived in another order, by less than this. */
const disorderMs = 60_000;

const columns = "id, uuid, type, timestamp, project_uuid, job_uuid, accepted_at";

/** Newest first. A page may hold fewer than `limit` and still have a next one. */
export async function listArchive(db: D1Database, query: ArchiveQuery): Promise<ArchivePage> {
  const bounds = await readBounds(db, query.before);
  if (bounds === null) return { events: [], next: null, reachesBackTo: null };
  const lowest = bounds.top - scannedMax + 1;
  const { sql, bindings } = conditionsOf(query);
  const statement = db.prepare(
    `SELECT ${columns} FROM events WHERE id BETWEEN ? AND ? ${sql} ORDER BY id DESC LIMIT ?`,
  );
  const { results: events } = await statement
    .bind(lowest, bounds.top, ...bindings, query.limit)
    .all<ArchivedEvent>();
  const reached = events.length === query.limit ? (events.at(-1)?.id ?? lowest) : lowest;
  const isEnd = reached <= bounds.oldest || (await endsBefore(db, reached, query.since));
  return { events, next: isEnd ? null : reached, reachesBackTo: bounds.reaches_back_to };
}

/** One event with its source text, or null. */
export function findArchived(
  db: D1Database,
  uuid: string,
): Promise<(ArchivedEvent & { body: string }) | null> {
  return db
    .prepare(`SELECT ${columns}, body FROM events WHERE uuid = ?`)
    .bind(uuid)
    .first<ArchivedEvent & { body: string }>();
}

type Bounds = { top: number; oldest: number; reaches_back_to: number };

/** The ids between which there is anything. Null for an empty archive. */
async function readBounds(db: D1Database, before: number | undefined): Promise<Bounds | null> {
  const row = await db
    .prepare(
      `SELECT (SELECT max(id) FROM events) AS newest, id AS oldest, accepted_at AS reaches_back_to
       FROM events ORDER BY id LIMIT 1`,
    )
    .first<{ newest: number; oldest: number; reaches_back_to: number }>();
  if (row === null) return null;
  return { ...row, top: before === undefined ? row.newest : Math.min(before - 1, row.newest) };
}

/** Whether nothing below an id can be as young as `since`. */
async function endsBefore(db: D1Database, id: number, since: number | undefined): Promise<boolean> {
  if (since === undefined) return false;
  const next = await db
    .prepare("SELECT accepted_at FROM events WHERE id < ? ORDER BY id DESC LIMIT 1")
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
