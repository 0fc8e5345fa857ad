/** Events of the old archive that match a webhook's subscriptions. */
import type { HandoverEvent } from "../../lane/handover";
import type { SourcePage } from "../merge-pages";
import { possibleRepeat, type StoredRow } from "../possible-repeat";
import { inEverySlot, requestEventsMax } from "./slots";

/** SQL condition: whether an event `e` matches a subscription `s`: by its type or a wildcard, its project and its job. */
const isMatched = `(
    s.event_type = e.type OR s.event_type = '**'
    OR (s.event_type GLOB '*:[*][*]' AND e.type GLOB rtrim(s.event_type, '*') || '*')
    OR (s.event_type GLOB '*:[*]' AND e.type GLOB rtrim(s.event_type, '*') || '*'
      AND e.type NOT GLOB rtrim(s.event_type, '*') || '*:*')
  )
  AND (s.project_uuid = '' OR s.project_uuid = e.project_uuid)
  AND (s.job_uuid = '' OR s.job_uuid = e.job_uuid)`;

/** How many rows of the archive one page scans. */
const requestsAtOnce = 300;

/** `after`: an id of the old archive; `since`, `until`: times of acceptance in ms, `until` excluded. */
type OldRange = { after: number; since: number; until: number; limit: number };

type MatchingRow = StoredRow & { id: number };

/**
 * @returns a page of the events that match the webhook's current subscriptions, oldest first. It may be empty and still
 *   have a next page.
 */
export async function matchOldEvents(
  db: D1Database,
  webhookId: number,
  { after, since, until, limit }: OldRange,
): Promise<SourcePage<HandoverEvent>> {
  const rows = await readRowRange(db, { after, since, until });
  if (rows === null) return { items: [], next: null, coveredTo: 0 };
  const { results } = await db
    .prepare(
      `SELECT e.id, e.uuid, e.type, e.project_uuid, e.job_uuid, e.body, e.accepted_at FROM events e
       WHERE e.request BETWEEN ?2 AND ?3 AND e.id > ?4 AND e.accepted_at >= ?5 AND e.accepted_at < ?6
         AND EXISTS (SELECT 1 FROM subscriptions s WHERE s.webhook_id = ?1 AND ${isMatched})
       ORDER BY e.id LIMIT ?7`,
    )
    .bind(webhookId, rows.first, rows.newest, after, since, until, limit)
    .all<MatchingRow>();
  const last = results.at(-1);
  const isCut = results.length === limit && last !== undefined;
  return {
    items: results.map((row) => ({
      id: row.id,
      at: row.accepted_at,
      place: row.id,
      item: possibleRepeat(row),
    })),
    next: isCut ? last.id : rows.last,
    coveredTo: isCut ? last.accepted_at : rows.newest_at,
  };
}

/**
 * @returns the range of the next rows of the archive: the keys of the first and the newest row, and the id of their
 *   last event.
 */
async function readRowRange(
  db: D1Database,
  { after, since, until }: { after: number; since: number; until: number },
): Promise<{ first: number; newest: number; last: number; newest_at: number } | null> {
  const next = inEverySlot(
    (slot) => `SELECT * FROM (
      SELECT id, last, accepted_at FROM archive_${slot} WHERE id > ?1 - ${requestEventsMax} AND last > ?1
        AND accepted_at >= ?2 AND accepted_at < ?3 ORDER BY id LIMIT ${requestsAtOnce}
    )`,
  );
  const rows = await db
    .prepare(
      `SELECT min(id) AS first, max(id) AS newest, max(last) AS last, max(accepted_at) AS newest_at
       FROM (SELECT * FROM (${next}) ORDER BY id LIMIT ${requestsAtOnce})`,
    )
    .bind(after, since, until)
    .first<{ first: number | null; newest: number; last: number; newest_at: number }>();
  return rows === null || rows.first === null ? null : { ...rows, first: rows.first };
}
