/** Archived events that match a webhook's subscriptions. */
import { inEverySlot, requestEventsMax } from "./archive-slots";
import { handoverEventOf, type PendingHandover } from "./handovers";
import type { ArchivePage, ArchiveRange } from "../lane/events-port";

/** SQL condition: whether an event `e` matches a subscription `s`: by its type or a wildcard, its project and its job. */
const isMatched = `(
    s.event_type = e.type OR s.event_type = '**'
    OR (s.event_type GLOB '*:[*][*]' AND e.type GLOB rtrim(s.event_type, '*') || '*')
    OR (s.event_type GLOB '*:[*]' AND e.type GLOB rtrim(s.event_type, '*') || '*'
      AND e.type NOT GLOB rtrim(s.event_type, '*') || '*:*')
  )
  AND (s.project_uuid = '' OR s.project_uuid = e.project_uuid)
  AND (s.job_uuid = '' OR s.job_uuid = e.job_uuid)`;

/** How many rows of the archive one page looks at. */
const requestsAtOnce = 300;

/**
 * The events of one page that match the webhook's current subscriptions: there may be none, and a next page. Events that
 * are still being handed over are left out.
 * @param page `after`: the cursor; `since`, `until`: times of acceptance in ms, `until` excluded.
 */
export async function readMatchingEvents(
  db: D1Database,
  webhookUuid: string,
  page: ArchiveRange,
): Promise<ArchivePage> {
  const { after, since, until, limit } = page;
  const stretch = await readStretch(db, { after, since, until });
  if (stretch === null) return { events: [], next: null };
  const { results } = await db
    .prepare(
      `SELECT e.id AS handover_id, 0 AS cursor, e.uuid, e.type, e.project_uuid, e.job_uuid, e.body, e.accepted_at
       FROM webhooks w CROSS JOIN events e
       WHERE w.uuid = ?1 AND e.request BETWEEN ?2 AND ?3 AND e.id > ?4 AND e.accepted_at >= ?5 AND e.accepted_at < ?6
         AND EXISTS (SELECT 1 FROM subscriptions s WHERE s.webhook_id = w.id AND ${isMatched})
         AND NOT EXISTS (
           SELECT 1 FROM handovers h WHERE h.event_id = e.id AND (h.webhook_id = w.id OR h.webhook_id IS NULL)
         )
       ORDER BY e.id LIMIT ?7`,
    )
    .bind(webhookUuid, stretch.first, stretch.newest, after, since, until, limit)
    .all<PendingHandover>();
  const last = results.at(-1);
  const reached = results.length < limit || last === undefined ? stretch.last : last.handover_id;
  return { events: results.map(handoverEventOf), next: reached };
}

/** The next rows of the archive: the keys of the first and the newest of them, and the id of their last event. */
async function readStretch(
  db: D1Database,
  { after, since, until }: { after: number; since: number; until: number },
): Promise<{ first: number; newest: number; last: number } | null> {
  const next = inEverySlot(
    (slot) => `SELECT * FROM (
      SELECT id, last FROM archive_${slot} WHERE id > ?1 - ${requestEventsMax} AND last > ?1
        AND accepted_at >= ?2 AND accepted_at < ?3 ORDER BY id LIMIT ${requestsAtOnce}
    )`,
  );
  const stretch = await db
    .prepare(
      `SELECT min(id) AS first, max(id) AS newest, max(last) AS last
       FROM (SELECT * FROM (${next}) ORDER BY id LIMIT ${requestsAtOnce})`,
    )
    .bind(after, since, until)
    .first<{ first: number | null; newest: number; last: number }>();
  return stretch === null || stretch.first === null ? null : { ...stretch, first: stretch.first };
}
